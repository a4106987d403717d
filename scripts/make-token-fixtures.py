"""Makes Tests/ServiceChassisTests/Authentication/TokenFixtures.swift: tokens by another implementation than ours.

Needs PyJWT and cryptography. The keys are made for this and thrown away; running it again gives other fixtures, for
which the tests hold just as well:

    python3 scripts/make-token-fixtures.py > Tests/ServiceChassisTests/Authentication/TokenFixtures.swift
"""

import base64
import hashlib
import hmac
import json

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

SECRET = "a secret for tests alone, 32 bytes or more"
# 2026-01-01T00:00:00Z, where the clock of the tests stands.
NOW = 1_767_225_600
CLAIMS = {
    "iss": "https://issuer.example", "aud": "holdfast", "sub": "c-1", "scope": "orders:read orders:write",
    "iat": NOW, "nbf": NOW, "exp": NOW + 600,
}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int, length: int | None = None) -> str:
    return b64(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


def rsa_jwk(key, kid, **more):
    public = key.public_key().public_numbers()
    return {"kty": "RSA", "kid": kid, "n": number(public.n), "e": number(public.e), **more}


def ec_jwk(key, kid, curve="P-256", length=32, **more):
    public = key.public_key().public_numbers()
    return {"kty": "EC", "kid": kid, "crv": curve, "x": number(public.x, length), "y": number(public.y, length), **more}


def pem(key) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def by_hand(header, sign, claims=CLAIMS) -> str:
    signed = b64(json.dumps(header).encode()) + "." + b64(json.dumps(claims).encode())
    return signed + "." + b64(sign(signed.encode()))


rsa_1, rsa_2, rsa_foreign = (rsa.generate_private_key(65537, 2048) for _ in range(3))
rsa_small = rsa.generate_private_key(65537, 1024)
ec_1, ec_foreign = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
ec_384 = ec.generate_private_key(ec.SECP384R1())


def encoded(key, algorithm, claims=CLAIMS, **headers):
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers)


def der(key):
    return lambda signed: key.sign(signed, ec.ECDSA(hashes.SHA256()))


good = {
    "hs256": encoded(SECRET, "HS256"),
    "hs256WithKeyID": encoded(SECRET, "HS256", kid="anything"),
    "rs256": encoded(rsa_1, "RS256", kid="rsa-1"),
    "rs256Second": encoded(rsa_2, "RS256", kid="rsa-2"),
    "es256": encoded(ec_1, "ES256", kid="ec-1"),
    "es256WithoutKeyID": encoded(ec_1, "ES256"),
    "accessTokenType": encoded(ec_1, "ES256", kid="ec-1", typ="at+jwt"),
    "audienceList": encoded(rsa_1, "RS256", {**CLAIMS, "aud": ["other", "holdfast"]}, kid="rsa-1"),
    "fractions": encoded(rsa_1, "RS256", {**CLAIMS, "exp": NOW + 600.5, "iat": NOW + 0.25}, kid="rsa-1"),
}
bad = {
    "none": jwt.encode(CLAIMS, None, algorithm="none"),
    "noneWithKeyID": jwt.encode(CLAIMS, None, algorithm="none", headers={"kid": "rsa-1"}),
    "noneWithSignature": by_hand({"alg": "none", "kid": "rsa-1"}, lambda signed: b"x" * 32),
    "hs256ByPublicKeyText": by_hand(
        {"alg": "HS256", "kid": "rsa-1"}, lambda signed: hmac.new(pem(rsa_1), signed, hashlib.sha256).digest()),
    "hs256ByModulus": by_hand(
        {"alg": "HS256", "kid": "rsa-1"},
        lambda signed: hmac.new(
            rsa_1.public_key().public_numbers().n.to_bytes(256, "big"), signed, hashlib.sha256).digest()),
    "hs256ByEmptySecret": by_hand({"alg": "HS256"}, lambda signed: hmac.new(b"", signed, hashlib.sha256).digest()),
    "hs512": encoded(SECRET, "HS512"),
    "rs512": encoded(rsa_1, "RS512", kid="rsa-1"),
    "ps256": encoded(rsa_1, "PS256", kid="rsa-1"),
    "ps256CalledRS256": by_hand(
        {"alg": "RS256", "kid": "rsa-1"},
        lambda signed: rsa_1.sign(
            signed, padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH), hashes.SHA256())),
    "rs256BySmallKey": by_hand(
        {"alg": "RS256", "kid": "rsa-small"},
        lambda signed: rsa_small.sign(signed, padding.PKCS1v15(), hashes.SHA256())),
    "rs256ByForeignKey": encoded(rsa_foreign, "RS256", kid="rsa-1"),
    "rs256ByOtherKeyOfOurs": encoded(rsa_2, "RS256", kid="rsa-1"),
    "rs256ByUnknownKey": encoded(rsa_foreign, "RS256", kid="rsa-9"),
    "rs256WithoutKeyID": encoded(rsa_1, "RS256"),
    "rs256ByKeyInHeader": encoded(rsa_foreign, "RS256", kid="rsa-1", jwk=rsa_jwk(rsa_foreign, "rsa-1")),
    "rs256ByKeyOfOtherKind": encoded(rsa_1, "RS256", kid="ec-1"),
    "es256InDER": by_hand({"alg": "ES256", "kid": "ec-1"}, der(ec_1)),
    "es256ByForeignKey": encoded(ec_foreign, "ES256", kid="ec-1"),
    "es256OfZeros": by_hand({"alg": "ES256", "kid": "ec-1"}, lambda signed: bytes(64)),
    "es384": encoded(ec_384, "ES384", kid="ec-384"),
    "critical": encoded(rsa_1, "RS256", kid="rsa-1", crit=["exp"]),
    "unencodedPayload": by_hand(
        {"alg": "HS256", "b64": False, "crit": ["b64"]},
        lambda signed: hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()),
    "logoutToken": encoded(rsa_1, "RS256", kid="rsa-1", typ="logout+jwt"),
    "keyIDIsANumber": by_hand(
        {"alg": "RS256", "kid": 1}, lambda signed: rsa_1.sign(signed, padding.PKCS1v15(), hashes.SHA256())),
}
keys = {
    "keys": [
        rsa_jwk(rsa_1, "rsa-1", use="sig", alg="RS256"),
        rsa_jwk(rsa_2, "rsa-2", key_ops=["verify"]),
        ec_jwk(ec_1, "ec-1", use="sig"),
        rsa_jwk(rsa_small, "rsa-small"),
        ec_jwk(ec_384, "ec-384", "P-384", 48),
        rsa_jwk(rsa_foreign, "rsa-enc", use="enc"),
        rsa_jwk(rsa_foreign, "rsa-512", alg="RS512"),
        rsa_jwk(rsa_foreign, "rsa-wrap", key_ops=["wrapKey"]),
        {**ec_jwk(ec_foreign, "ec-off"), "y": number(5, 32)},
        {**ec_jwk(ec_foreign, "ec-secret"), "d": number(ec_foreign.private_numbers().private_value, 32)},
        {"kty": "oct", "kid": "shared", "k": b64(SECRET.encode()), "alg": "HS256"},
        {"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": b64(bytes(32))},
        {**rsa_jwk(rsa_foreign, "rsa-e1"), "e": "AQ"},
        {**rsa_jwk(rsa_foreign, "rsa-padded"), "e": "AQAB=="},
        {"kid": "no-kind"},
        "no object",
    ]
}


def table(name, entries, meaning):
    print(f"    /// {meaning}\n    static let {name}: [(name: String, token: String)] = [")
    for key, token in entries.items():
        print(f'        (\n            "{key}",\n            "{token}"\n        ),')
    print("    ]\n")


print("// Made by scripts/make-token-fixtures.py with PyJWT and cryptography; the keys exist nowhere else.")
print("// swift-format-ignore-file\n")
print("enum TokenFixtures {")
print(f'    static let secret = "{SECRET}"')
print(f"    /// When the tokens were issued, in seconds since 1970; they are good for 600.\n    static let issued = {NOW}\n")
print(f"    /// Keys that can be used: `rsa-1`, `rsa-2`, `ec-1`; and every other kind that is to be left out.")
print(f'    static let keySet = #"""\n        {json.dumps(keys)}\n        """#\n')
table("good", good, "Tokens to be accepted.")
table("bad", bad, "Tokens to be refused, whatever keys and secret there are.")
print("}")
