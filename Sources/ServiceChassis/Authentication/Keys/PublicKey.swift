import COpenSSL

/// Why a key is not used, as the end of a sentence that begins with it.
struct KeyRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}

/// A public key of OpenSSL: RSA of 2048 to 8192 bits, for RS256, or a point of P-256, for ES256.
///
/// `@unchecked Sendable`: the key is made in `init`, never changed and freed in `deinit`. OpenSSL lets any number of
/// threads read a key at once; what a verification changes is a context of its own.
final class PublicKey: @unchecked Sendable {
    static let rsaBits = 2048...8192
    private static let coordinateLength = 32

    let algorithm: KeyAlgorithm
    private let key: OpaquePointer

    /// An RSA key; the numbers are big-endian.
    init(rsaModulus modulus: [UInt8], exponent: [UInt8]) throws(KeyRefusal) {
        let bits = Self.bitCount(modulus)
        guard Self.rsaBits.contains(bits) else {
            throw KeyRefusal(
                "has \(bits) bits; from \(Self.rsaBits.lowerBound) to \(Self.rsaBits.upperBound) are allowed")
        }
        // 3 is the least there is, and odd is every one; longer ones than four bytes only make verifying slow.
        let significant = exponent.drop { $0 == 0 }
        guard significant.count <= 4, let last = significant.last, last & 1 == 1, significant.count > 1 || last >= 3
        else { throw KeyRefusal("has an exponent that is not allowed") }
        algorithm = .rs256
        key = try Self.importKey("RSA") { builder in
            let n = BN_bin2bn(modulus, Int32(modulus.count), nil)
            let e = BN_bin2bn(exponent, Int32(exponent.count), nil)
            defer {
                BN_free(n)
                BN_free(e)
            }
            guard OSSL_PARAM_BLD_push_BN(builder, Self.pointer("n"), n) == 1,
                OSSL_PARAM_BLD_push_BN(builder, Self.pointer("e"), e) == 1
            else { return nil }
            return OSSL_PARAM_BLD_to_param(builder)
        }
    }

    /// A point of P-256; the coordinates are big-endian and of full length.
    init(p256X x: [UInt8], y: [UInt8]) throws(KeyRefusal) {
        guard x.count == Self.coordinateLength, y.count == Self.coordinateLength else {
            throw KeyRefusal("has coordinates that are not of \(Self.coordinateLength) bytes")
        }
        // SEC 1 section 2.3.3: 4 stands for a point that is not compressed.
        let point = [4] + x + y
        algorithm = .es256
        key = try Self.importKey("EC") { builder in
            // The builder keeps the addresses until the parameters are made.
            point.withUnsafeBytes { point in
                guard
                    OSSL_PARAM_BLD_push_utf8_string(
                        builder, Self.pointer("group"), Self.pointer("prime256v1"), 0) == 1,
                    OSSL_PARAM_BLD_push_octet_string(
                        builder, Self.pointer("pub"), point.baseAddress, point.count) == 1
                else { return nil }
                return OSSL_PARAM_BLD_to_param(builder)
            }
        }
    }

    deinit {
        EVP_PKEY_free(key)
    }

    private static func bitCount(_ number: [UInt8]) -> Int {
        let significant = number.drop { $0 == 0 }
        guard let first = significant.first else { return 0 }
        return significant.count * 8 - first.leadingZeroBitCount
    }

    /// A text that stays where it is: the builder keeps addresses, of names too, and the texts that the names' macros are
    /// imported as do not last so long.
    private static func pointer(_ text: StaticString) -> UnsafePointer<CChar> {
        UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
    }

    /// Makes a key of the parameters that `build` makes with the builder, and checks it.
    private static func importKey(
        _ kind: String, build: (OpaquePointer) -> UnsafeMutablePointer<OSSL_PARAM>?
    ) throws(KeyRefusal) -> OpaquePointer {
        guard let builder = OSSL_PARAM_BLD_new() else { throw KeyRefusal("cannot be built") }
        defer { OSSL_PARAM_BLD_free(builder) }
        defer { ERR_clear_error() }
        guard let parameters = build(builder) else { throw KeyRefusal("cannot be built") }
        defer { OSSL_PARAM_free(parameters) }
        guard let context = EVP_PKEY_CTX_new_from_name(nil, kind, nil) else { throw KeyRefusal("cannot be built") }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_fromdata_init(context) == 1,
            EVP_PKEY_fromdata(context, &key, publicKeySelection, parameters) == 1, let key
        else { throw KeyRefusal("is no valid key") }
        let check = EVP_PKEY_CTX_new_from_pkey(nil, key, nil)
        defer { EVP_PKEY_CTX_free(check) }
        guard check != nil, EVP_PKEY_public_check(check) == 1 else {
            EVP_PKEY_free(key)
            throw KeyRefusal("is no valid key")
        }
        return key
    }

    /// `EVP_PKEY_PUBLIC_KEY`, a macro of macros that is not imported.
    private static let publicKeySelection =
        OSSL_KEYMGMT_SELECT_DOMAIN_PARAMETERS | OSSL_KEYMGMT_SELECT_OTHER_PARAMETERS | OSSL_KEYMGMT_SELECT_PUBLIC_KEY

    /// Whether it is the signature of these bytes, in the form of RFC 7518.
    func verifies(_ signature: [UInt8], of signed: [UInt8]) -> Bool {
        switch algorithm {
        case .hs256: false
        case .rs256: verifiesEncoded(signature, of: signed)
        case .es256: Self.encoded(signature).map { verifiesEncoded($0, of: signed) } ?? false
        }
    }

    private func verifiesEncoded(_ signature: [UInt8], of signed: [UInt8]) -> Bool {
        guard let context = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(context) }
        // A refusal leaves a line in the thread's queue of errors, which nobody here reads.
        defer { ERR_clear_error() }
        guard EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, key) == 1 else { return false }
        return EVP_DigestVerify(context, signature, signature.count, signed, signed.count) == 1
    }

    /// An ECDSA signature as OpenSSL wants it, from the two numbers of 32 bytes that a token has (RFC 7518 section 3.4);
    /// nil for another length.
    private static func encoded(_ signature: [UInt8]) -> [UInt8]? {
        guard signature.count == 2 * coordinateLength, let pair = ECDSA_SIG_new() else { return nil }
        defer { ECDSA_SIG_free(pair) }
        let (r, s) = signature.withUnsafeBufferPointer { bytes in
            let start = bytes.baseAddress
            return (
                BN_bin2bn(start, Int32(coordinateLength), nil),
                BN_bin2bn(start.map { $0 + coordinateLength }, Int32(coordinateLength), nil)
            )
        }
        guard let r, let s, ECDSA_SIG_set0(pair, r, s) == 1 else {
            // Not taken over, so still ours.
            BN_free(r)
            BN_free(s)
            return nil
        }
        var encoded: UnsafeMutablePointer<UInt8>?
        let length = i2d_ECDSA_SIG(pair, &encoded)
        defer { CRYPTO_free(encoded, #file, #line) }
        guard length > 0, let encoded else { return nil }
        return Array(UnsafeBufferPointer(start: encoded, count: Int(length)))
    }
}
