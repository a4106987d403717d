// Made by scripts/make-token-fixtures.py with PyJWT and cryptography; the keys exist nowhere else.
// swift-format-ignore-file

enum TokenFixtures {
    static let secret = "a secret for tests alone, 32 bytes or more"
    /// When the tokens were issued, in seconds since 1970; they are good for 600.
    static let issued = 1767225600

    /// Keys that can be used: `rsa-1`, `rsa-2`, `ec-1`; and every other kind that is to be left out.
    static let keySet = #"""
        {"keys": [{"kty": "RSA", "kid": "rsa-1", "n": "vaT1HX8o-YWNZpFYCznyFlz3VJvSwPAq3RTQm8Vly6vIcMm-dKksfZKLtpODSBw4tTxRee6062tt5Jsz8JNPBEN6tr-XkuqAM_iak-CTm92ylEsRJUAjDpBfHop9C5MiWpdDNA1ss1qhxjKjvgN95Q2yk1tDR3cVLJcdSmfzu_HzvQoM47CxYWH_4NzvCea5e5d2d4D9g47yTmko4AyHOQP8DudMXnUZ2BYt1ASULi7qRXegwe5hOr9FbMd8ejeOt6McvQrt5M5ta_W8Ysti0hK4MDj27pfY_VkNbJoqJiT9xXZW13MXtgUHgmAjay5y-qlSwdLzYOOUBbU3BR_U0Q", "e": "AQAB", "use": "sig", "alg": "RS256"}, {"kty": "RSA", "kid": "rsa-2", "n": "uvs1Igq3q0cpIjfa-MUFvQ_tDKFRQkSH-RH6m_Lb74ASaSCWhtCf6sG_Mp6ji_-ZzEOpkf_pRF23wKCuRTDT7KJUxR9GH2s43049aIgffdgaow05wP83ZphKtRPsFH3jRF7d4CLQwb87eaPDk5kzreg-WFjGiZMCG9gKGb1sykX3NiwS4dNCP5n02-HBKQOZEEyR6o0mQXvVnE8o0nR-Yn-aAmBo2OD00uPN7X9nfAW35mmshX9nqt0sgZcDVAq5X9rY_GsduedRescu3h5A5cOejD-x5kYkuSnLdQKNWk67B5-FYYjHsNkhdD-bxIKjgbeCltufT2Psz69TSQc20Q", "e": "AQAB", "key_ops": ["verify"]}, {"kty": "EC", "kid": "ec-1", "crv": "P-256", "x": "ycKev9XWumiQPx0TEPGG4-1Y6ZLRqq3Za-k4bHb5KJk", "y": "A8bn7r8yOU_kew8GES7m5kSuxnSp1t5GOHqtyvoQnok", "use": "sig"}, {"kty": "RSA", "kid": "rsa-small", "n": "2qvW5Bt8pXrzZ6ZjcPoFmEaN6M3vaHPDH8q3T7hlo9PM_qn9k4PdGcecC6DbtxIXKJPBWT9q1s6EOETD45jLr4ShkhT09kZTnvwK1KiI_uNFc9UEaSVh91nIN5HTcM0zcnO7s2QPhegn_0MxIZM7qJYRrIYlaehteNWQWJnE0k0", "e": "AQAB"}, {"kty": "EC", "kid": "ec-384", "crv": "P-384", "x": "TiTxZpbi7Kt0cALWVfJvmN45wMAR5PrIUagBsLX0tkRONTYXRjlaBezLhnzv-EKF", "y": "2xLxwcCOwtOIg6peyu4I3X0uC3rygvHAUMU1b8dKSBKZb1tqmLDc98K6vFUu2trJ"}, {"kty": "RSA", "kid": "rsa-enc", "n": "ukWHGZQJ6vOgzcd0MJCrapcmV2bI-vWCfm6Wak3_P9XSLdpwPaibtD2d4dZBBHFgQgAKWJga4GxQtdKX6mAW0hHzT35NyBwlK0loQ1CCv_H6oG0lJNMfuBdrf728xgH6CX3D4fyyF12RMWglMD-rKX3g4S4Yt65L-qK84zfA6n07RzOWBxconwI0XxmVNZna9yAn8chLt8yBKCCRAzz1iTF8YZXC55gVJ2Et5jzI9v-fq-foueASFPnVOnKlUbWwClSZ42FJMl4kCIPZRL3J1LsfLC67JuZyPDzImqLGQSeFzE_EzTGFJhR0GQ3sCsuyPfpwHCyNiBrH0pGg-j3Fpw", "e": "AQAB", "use": "enc"}, {"kty": "RSA", "kid": "rsa-512", "n": "ukWHGZQJ6vOgzcd0MJCrapcmV2bI-vWCfm6Wak3_P9XSLdpwPaibtD2d4dZBBHFgQgAKWJga4GxQtdKX6mAW0hHzT35NyBwlK0loQ1CCv_H6oG0lJNMfuBdrf728xgH6CX3D4fyyF12RMWglMD-rKX3g4S4Yt65L-qK84zfA6n07RzOWBxconwI0XxmVNZna9yAn8chLt8yBKCCRAzz1iTF8YZXC55gVJ2Et5jzI9v-fq-foueASFPnVOnKlUbWwClSZ42FJMl4kCIPZRL3J1LsfLC67JuZyPDzImqLGQSeFzE_EzTGFJhR0GQ3sCsuyPfpwHCyNiBrH0pGg-j3Fpw", "e": "AQAB", "alg": "RS512"}, {"kty": "RSA", "kid": "rsa-wrap", "n": "ukWHGZQJ6vOgzcd0MJCrapcmV2bI-vWCfm6Wak3_P9XSLdpwPaibtD2d4dZBBHFgQgAKWJga4GxQtdKX6mAW0hHzT35NyBwlK0loQ1CCv_H6oG0lJNMfuBdrf728xgH6CX3D4fyyF12RMWglMD-rKX3g4S4Yt65L-qK84zfA6n07RzOWBxconwI0XxmVNZna9yAn8chLt8yBKCCRAzz1iTF8YZXC55gVJ2Et5jzI9v-fq-foueASFPnVOnKlUbWwClSZ42FJMl4kCIPZRL3J1LsfLC67JuZyPDzImqLGQSeFzE_EzTGFJhR0GQ3sCsuyPfpwHCyNiBrH0pGg-j3Fpw", "e": "AQAB", "key_ops": ["wrapKey"]}, {"kty": "EC", "kid": "ec-off", "crv": "P-256", "x": "-l7t8_QgP8Yf0OEuKfCoJmB2DBYaOIAw8w_uNOCahhI", "y": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAU"}, {"kty": "EC", "kid": "ec-secret", "crv": "P-256", "x": "-l7t8_QgP8Yf0OEuKfCoJmB2DBYaOIAw8w_uNOCahhI", "y": "SFbFZANAPq1KD8y31Kp2M7TdD1rWp3hhu4gE4Y8KBYY", "d": "6XHerlxUogt0pGowkVCafpAa-n7NC15Mq9XySr_CkMQ"}, {"kty": "oct", "kid": "shared", "k": "YSBzZWNyZXQgZm9yIHRlc3RzIGFsb25lLCAzMiBieXRlcyBvciBtb3Jl", "alg": "HS256"}, {"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}, {"kty": "RSA", "kid": "rsa-e1", "n": "ukWHGZQJ6vOgzcd0MJCrapcmV2bI-vWCfm6Wak3_P9XSLdpwPaibtD2d4dZBBHFgQgAKWJga4GxQtdKX6mAW0hHzT35NyBwlK0loQ1CCv_H6oG0lJNMfuBdrf728xgH6CX3D4fyyF12RMWglMD-rKX3g4S4Yt65L-qK84zfA6n07RzOWBxconwI0XxmVNZna9yAn8chLt8yBKCCRAzz1iTF8YZXC55gVJ2Et5jzI9v-fq-foueASFPnVOnKlUbWwClSZ42FJMl4kCIPZRL3J1LsfLC67JuZyPDzImqLGQSeFzE_EzTGFJhR0GQ3sCsuyPfpwHCyNiBrH0pGg-j3Fpw", "e": "AQ"}, {"kty": "RSA", "kid": "rsa-padded", "n": "ukWHGZQJ6vOgzcd0MJCrapcmV2bI-vWCfm6Wak3_P9XSLdpwPaibtD2d4dZBBHFgQgAKWJga4GxQtdKX6mAW0hHzT35NyBwlK0loQ1CCv_H6oG0lJNMfuBdrf728xgH6CX3D4fyyF12RMWglMD-rKX3g4S4Yt65L-qK84zfA6n07RzOWBxconwI0XxmVNZna9yAn8chLt8yBKCCRAzz1iTF8YZXC55gVJ2Et5jzI9v-fq-foueASFPnVOnKlUbWwClSZ42FJMl4kCIPZRL3J1LsfLC67JuZyPDzImqLGQSeFzE_EzTGFJhR0GQ3sCsuyPfpwHCyNiBrH0pGg-j3Fpw", "e": "AQAB=="}, {"kid": "no-kind"}, "no object"]}
        """#

    /// Tokens to be accepted.
    static let good: [(name: String, token: String)] = [
        (
            "hs256",
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDB9.3NNecMjmmC8o4CeF3wRY2C_tAqzw1iik6S6bODvV044"
        ),
        (
            "hs256WithKeyID",
            "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFueXRoaW5nIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDB9.1PEKiFnhzyyZhPKuiu8BmAKOmNmH-9FPZ8Vp8-Bjuy0"
        ),
        (
            "rs256",
            "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYS0xIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDB9.CmrW5C_8YLIOv-1vC1WRlcVq9eb_J-1B4P8R__lPgesagGAsEXsILi8j-fyziJScxy472PbwUpc45JF5QupUcSePXk8KIUYVNh7g-s00YKhUXzRj3koBDridf6ngwnM-RZXLYqbssQYY9rH6E7NGp574vGuxHb90B8GECXp4IbrFQZz9QiLEVQF-_cvxZ4FM8Lm936Bj5q1-RGonkYzvIOuT3zE4DG4xp9V2RfNa30ulkmB7KurTpecRKwzS62BvZQ1B0jYavbj4infpy3geuC1Wq1L3Ih6ncUoA-Srm9cZ15H3M3VnmMMq0tZt07s1vFfX9_qt-Jbqv7JyoSLeQrA"
        ),
        (
            "rs256Second",
            "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYS0yIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDB9.CF9ZpBNjTXBJNyyrgZJ5mfGwmZ9_zQg8tXeu7ZPXmxIAxrgvr4mjNvSzIffPRKCj3x2YcJ7NfLnTI4EyhEm2vMjAtsQpTVBRyYZTRR5NHnPZ2U5U5ST6etq9txhgDqpxuisF3jNND6e7aktKvbT9vSTopP-xEO8G0fZNub8lXREuRAGYXBusLQf2WzFbUNLyVmvqr5NKfas-Fny3bbkFbKMJQWfHcl5nmst9e99HpXaQM_gu6m68tQ0O8EY45tOXQVEpQHbf-YoTJRyUKENraPbYaXPuIJKtVx4m8mmr0njMZ5VlNDzXoFW4kN4FyCkoe506NqCU6s3oAfdWFKQA1g"
        ),
        (
            "es256",
            "eyJhbGciOiJFUzI1NiIsImtpZCI6ImVjLTEiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDB9.b-7ZJBa8_JZEQZ56t_TSSWcu2i0hrwZM-qeIAjpwvuoAKdsWkBqaBy1BmT11z_pBn7SWPf9cEQjhd8Q-KTphkw"
        ),
        (
            "es256WithoutKeyID",
            "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDB9.rRjTl13KBZ3CSkmk0N7E9Pj4rhn21gfM1tfGqXlsxTSaWIsX1Yq81Yc4asusBXEOrZ7oXhAKYUYkWp7goUZrvw"
        ),
        (
            "accessTokenType",
            "eyJhbGciOiJFUzI1NiIsImtpZCI6ImVjLTEiLCJ0eXAiOiJhdCtqd3QifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDB9.fiz6GzfvRPXmjia6XVAIbPsxXJFdaT6BpomuyZ3q_W_UiqHNY55t9oSv8JzaVY6joaVgZQxae8DFGrvUj02lOQ"
        ),
        (
            "audienceList",
            "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYS0xIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjpbIm90aGVyIiwiaG9sZGZhc3QiXSwic3ViIjoiYy0xIiwic2NvcGUiOiJvcmRlcnM6cmVhZCBvcmRlcnM6d3JpdGUiLCJpYXQiOjE3NjcyMjU2MDAsIm5iZiI6MTc2NzIyNTYwMCwiZXhwIjoxNzY3MjI2MjAwfQ.GH7RqkiFzS_oMzrrzWvKvtsgu8x6dxyNW5NifBeJFxR-twJRAwZqY55g9y4sFCQa2Rc3taVA-lmQVCn6m1VCGPeW_2breLioiyLhZ7nd6Po-sbramXH-M0CBdWAlN_NFE1bJyCLgCT9Hg6-z5j1aqXAIlubtheUMYId5VvV18Ai0GhNEDyrRVUhwJfCr5nywJXSLrUn0evpuS4ftOR4e3JWfYtVEYrOE3qmqmx0ugCcCsQYSbynsxvIzHc1GeLlW4VZ61-8089Oj5WvRKaiPxIgAMGFZ4oMfNiOFoMdA21oK19_MvQ64YWuKuIN_-PQrzk3RljHgrkQ1KIR1Nbrmdg"
        ),
        (
            "fractions",
            "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYS0xIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMC4yNSwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDAuNX0.RfErr7W39VrEg77AIS2HOYM7pH49eR85KTAm7-O-fEXwF8Z3DcZTbcLqGCO_wpisBKjH-F2GMK5eAEwOa-3bOvJmp5LylLKXAJplkLmHdefWLkcvR2iuxZNijyyu0t1-Y7Qewh_C6eexNq3pjsERtk1YX-6jzut26ehHhLclcaCGC6HWWXn9yerWanvCuAqHosupRMPm00o6-mYehQi9ckKEAvCVnvinK6WgSclet3Lwa6yHgWufOD8OXBqOWGGjrBH_TJF6v4tPZ91-BNHGS4qaD-udwPWPd8App2SUJFrzu1_R4E9X_ip7TmBOp5PB4SRJKVFSvvPP-4f9TMLilQ"
        ),
    ]

    /// Tokens to be refused, whatever keys and secret there are.
    static let bad: [(name: String, token: String)] = [
        (
            "none",
            "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDB9."
        ),
        (
            "noneWithKeyID",
            "eyJhbGciOiJub25lIiwia2lkIjoicnNhLTEiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDB9."
        ),
        (
            "noneWithSignature",
            "eyJhbGciOiAibm9uZSIsICJraWQiOiAicnNhLTEifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIuZXhhbXBsZSIsICJhdWQiOiAiaG9sZGZhc3QiLCAic3ViIjogImMtMSIsICJzY29wZSI6ICJvcmRlcnM6cmVhZCBvcmRlcnM6d3JpdGUiLCAiaWF0IjogMTc2NzIyNTYwMCwgIm5iZiI6IDE3NjcyMjU2MDAsICJleHAiOiAxNzY3MjI2MjAwfQ.eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg"
        ),
        (
            "hs256ByPublicKeyText",
            "eyJhbGciOiAiSFMyNTYiLCAia2lkIjogInJzYS0xIn0.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIuZXhhbXBsZSIsICJhdWQiOiAiaG9sZGZhc3QiLCAic3ViIjogImMtMSIsICJzY29wZSI6ICJvcmRlcnM6cmVhZCBvcmRlcnM6d3JpdGUiLCAiaWF0IjogMTc2NzIyNTYwMCwgIm5iZiI6IDE3NjcyMjU2MDAsICJleHAiOiAxNzY3MjI2MjAwfQ.JrGw4qotT99OfUFx7ZWeqynn8-WCX9FSA-VsppkAzZE"
        ),
        (
            "hs256ByModulus",
            "eyJhbGciOiAiSFMyNTYiLCAia2lkIjogInJzYS0xIn0.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIuZXhhbXBsZSIsICJhdWQiOiAiaG9sZGZhc3QiLCAic3ViIjogImMtMSIsICJzY29wZSI6ICJvcmRlcnM6cmVhZCBvcmRlcnM6d3JpdGUiLCAiaWF0IjogMTc2NzIyNTYwMCwgIm5iZiI6IDE3NjcyMjU2MDAsICJleHAiOiAxNzY3MjI2MjAwfQ.qGmyRYvLhJwvSTU_tOzkCKsRrg9BenJcoyfuK1IBfr4"
        ),
        (
            "hs256ByEmptySecret",
            "eyJhbGciOiAiSFMyNTYifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIuZXhhbXBsZSIsICJhdWQiOiAiaG9sZGZhc3QiLCAic3ViIjogImMtMSIsICJzY29wZSI6ICJvcmRlcnM6cmVhZCBvcmRlcnM6d3JpdGUiLCAiaWF0IjogMTc2NzIyNTYwMCwgIm5iZiI6IDE3NjcyMjU2MDAsICJleHAiOiAxNzY3MjI2MjAwfQ.5h2egOgjHKC0K9ILL3HgXB2XtXB3jQJQOgY6BwwU4Ik"
        ),
        (
            "hs512",
            "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDB9.vlVsiNsSLgSbTuYr9tZ8fCW7D-XWdWV3WPlnJ9FPbCmuNE_zn3tFp4GfE5rfk7BFrLn3QKpsDQVAUaIDTcLkDQ"
        ),
        (
            "rs512",
            "eyJhbGciOiJSUzUxMiIsImtpZCI6InJzYS0xIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDB9.YM3xa0O_8dttOuPzpuvjO57YBEcaF3F1ezbjttMEcSL_XdRh50nKw41X5MSax8zVI1HV53u-qRm4Qma_eqRiWU3BqOCRPKt-fTHUCE1tRnsw81HLVVes0P9huNgj09YVnQEg0F6ApaXSGRLK6Lw8BY_4IvXj-S7Mg0ymeLFdQzZP9OSAxCxGVf0Nh1m9CtbpSJpMQnOdrwZ6NT-5tAch8p8yUpVsJv7geX0Bs91LRAHMFFC9xnW0DwGMR-Sww2Jaj7_wzpdKEySenfWOToKDHEO7qOWApgIs8Vt4N7_9vsiZ-UzEz_UpmpzQU_5O5Tg5ZnybJuCCYSEU19bayeXvrA"
        ),
        (
            "ps256",
            "eyJhbGciOiJQUzI1NiIsImtpZCI6InJzYS0xIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDB9.YKguKTGtUYo_DGgw5KPCZ-OMYkn9vXouOMBQTJi9nzRiU3h9ZexCu_tLsZkOaQ8tj0PxAs8d5cmAsMoZD8g3ntoFP9O9YvV29JdksONyUOWF6CGiFy1Q8zSUZ-LE3kyCfc3DTRUvWPeI4lFyo_9xuDGAl0JMjt8igHres-6GqI0o7234SRX2pjvptVc3entwR07SiBbfoq4wvK1wxmAh__VavUL56AurrwFAII00TfZ8fpcd1kTxO86Jupr9WMANIsAzbjzBP5Ai4eisteMfrKSzwFTgRR6qyLT19dQ3OGaZAGClZaZL6P-NT-fYCxu0iQC_1jjENRKqzwQ-vRjTgg"
        ),
        (
            "ps256CalledRS256",
            "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogInJzYS0xIn0.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIuZXhhbXBsZSIsICJhdWQiOiAiaG9sZGZhc3QiLCAic3ViIjogImMtMSIsICJzY29wZSI6ICJvcmRlcnM6cmVhZCBvcmRlcnM6d3JpdGUiLCAiaWF0IjogMTc2NzIyNTYwMCwgIm5iZiI6IDE3NjcyMjU2MDAsICJleHAiOiAxNzY3MjI2MjAwfQ.RpJm2zClDD_3_F49nfAy9SbXgqAtd82kN0lFG2uPdda_85QsuI2O4m1XyrH7MBgpZSmSHSBjOHN47zIeljarucza2T1bGr_5DviecJIdGDXNGTS1hN9XuKIHuFnXM51vh6p4yIehunF5g81emLfThOi3coGRtTJ0eqMaM2zF6MbGvo7TPyYIqVrOWqsgaxeoiOVg3bFrbFK4uwdi5TMxVSxv5q0NYB9DktduHXDIMKJH4zSkj8g4YmxHR3oBPrXPIWhDgQxgXB2QdCfRWibG11jIhbFX81Uz-4G4lXqChrydfLOMvwCiljJ6tzCJnvaNfFBA4Lz6HNZPwAlh2Yu6cg"
        ),
        (
            "rs256BySmallKey",
            "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogInJzYS1zbWFsbCJ9.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIuZXhhbXBsZSIsICJhdWQiOiAiaG9sZGZhc3QiLCAic3ViIjogImMtMSIsICJzY29wZSI6ICJvcmRlcnM6cmVhZCBvcmRlcnM6d3JpdGUiLCAiaWF0IjogMTc2NzIyNTYwMCwgIm5iZiI6IDE3NjcyMjU2MDAsICJleHAiOiAxNzY3MjI2MjAwfQ.0aN0SCIN0Chkk9yBwugOFUosdYJklzZqlmPg5Har7ueQX2TGtXsE0Dv7ZxWh8mWF6yYoKoOOZv4VOTOUU059E5Ge2dsQoIb8qfvlnWWBIk8dl5pDCEEY8BdspK7yrs65oWZ6_M2auU9E9dGiuEz4AY9omi4DGuORIr9rr26CjPU"
        ),
        (
            "rs256ByForeignKey",
            "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYS0xIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDB9.q2d4S-W8Y3rPr1uyAkKxtdH4ECXeTzfY2-MvRG7xfzMnwTd_lWu9fr36S0NDujV0W8E1DetrkrfkP3YVcxssyurN_alwEgrHOnD1fwx-_SDbQ7RTuleK_6t4gNl4rGhQDrvGwWzu2cQDiUD3SFADYMnVj7tWoHb_3mHi8I-8aJupLp-PKaq7bV4wCjtKhtaRlzjtExjQrwJUniPGofoVHYw9_NBqO8QluihqgW2tsG_yKpMz5xeVdSAEAzgtaGhmMXw1QThB9OCHz6RkS2IpTccwA_aWGBzzQI8NTutVaY5OedBK7wB-LbB4HiQ2jelP664rQY0kOJpswTICmvGGcw"
        ),
        (
            "rs256ByOtherKeyOfOurs",
            "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYS0xIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDB9.mNhi2zqe0JCy3njEWbxpXLqGor0NfedPNsi0bomvcEfGXv8Sg67aUgUp90aZHR9AItTa0qqKSTbrnRh9Te2m_Pc48Rbc8iUIMHu_jnvJpABsQloK-ZNcfhhDi9lmTxODcbNTVQo_RMJG6Xwnr6JX-qQ8yuCAd1NEX5C29MNEABcmXDw-9Vl7Ui9dXVEJrPEPTCOZgAbpnVaAmW5eZx0VDzEUV4lcadlvPf_q2jbNJo8KzoGYbji7uIsNVtXVdVY64L3p1uE3_8yzU_NVVhrAOKMKXVogRpRfIjD-_kxLd0lsPrabgyUzcDvdsj3RvoMK8Nhqkd53zzHi1Td_dBCzaA"
        ),
        (
            "rs256ByUnknownKey",
            "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYS05IiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDB9.U1ONaOD64NyUG1vTrow5Zn5ycruYU8j90imLDeoh1Ltp-binjQMHhom2iuacrrb63dAvxzXYKacso3v7OSZYuE2DWQTfzmGBIMhuwosflyWqF7sOO41u0JKtEUN6GwmvaqTHSTBUsbQpKemWm_TCtsbYeURo3EWD4mmN0Ni_5UoErLrrr5lLOgG5rRkLRojopHIBJDyoxOk8tNc-2-tW1h8gnFpEkhSrzTPfs3R6gbRLVCpKRvQvsOVV1AsPVpn9ZzM58DBBMWKr9iAgUih_kFL0N5gUHiQQ-3BagOYoueZ2PPac13g4XfN97RU24m82rdepWNmiJgzZL_4CKgvh_w"
        ),
        (
            "rs256WithoutKeyID",
            "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDB9.G6BMcnU8n5BvMx5uKywJaMmqBxUG06d1BV9NhXkETEZT1NZ-ZZWym4EPkcYNFKt0lS5IkMM_J5WRqVO-rcDMj0M57hhzV2xz5aZ_dypUQfhQvjqDz8lRFh66wJuDraVArPQB73DvnmT7nTyYkgz5WVoDkfbsu1RIDUDA7o5x5MSoPhEhS4cL8xdCuwbqVLB1npqXTCQKhbbC5H5LJ4XQ1R3oGWzBHraWRzKT13Zs-AfXboO2HggCW2Rp1Qh8TRXx1l3HTZGys4PkfcVraGpNkj_QK1t-V7SXZ2R6TQx8PZqKZac2R_Ae7hOBI1l7Df-dMej6I_--w9Y7QOZ4Z0vg5Q"
        ),
        (
            "rs256ByKeyInHeader",
            "eyJhbGciOiJSUzI1NiIsImp3ayI6eyJlIjoiQVFBQiIsImtpZCI6InJzYS0xIiwia3R5IjoiUlNBIiwibiI6InVrV0hHWlFKNnZPZ3pjZDBNSkNyYXBjbVYyYkktdldDZm02V2FrM19QOVhTTGRwd1BhaWJ0RDJkNGRaQkJIRmdRZ0FLV0pnYTRHeFF0ZEtYNm1BVzBoSHpUMzVOeUJ3bEswbG9RMUNDdl9INm9HMGxKTk1mdUJkcmY3Mjh4Z0g2Q1gzRDRmeXlGMTJSTVdnbE1ELXJLWDNnNFM0WXQ2NUwtcUs4NHpmQTZuMDdSek9XQnhjb253STBYeG1WTlpuYTl5QW44Y2hMdDh5QktDQ1JBenoxaVRGOFlaWEM1NWdWSjJFdDVqekk5di1mcS1mb3VlQVNGUG5WT25LbFViV3dDbFNaNDJGSk1sNGtDSVBaUkwzSjFMc2ZMQzY3SnVaeVBEekltcUxHUVNlRnpFX0V6VEdGSmhSMEdRM3NDc3V5UGZwd0hDeU5pQnJIMHBHZy1qM0ZwdyJ9LCJraWQiOiJyc2EtMSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDB9.isXD-5xoB3sBUbjhVxN42INiGjiAYD3nHPR2roBdATu5PoG-OxLsjviuGLCX92Z45RBhDYL8flp9Y_iA4ORVHyyhvzEGCVC8LfBlR_OQkmGA_E6oIMRgIH6clUGepB3Qzjp2gPxg2sgaIPUovl2-hS43kixfbLibBSImLs351CdJCDPqV3tRQXPRZQoFgqsdu4YkddWfcwWz2a8Zx4jkr2ZV1VFWSBab2_lFlJNEeVC0NbDIhY4AhZ0Wa_hZbdCOZp_LZxTKYo-qDEgi6DMXysuELgrSKb6WF2pCaNQ0UKJAPb4JRszAf9bK0BEBw4psrH4_xblRAXlVC8lO90pCoQ"
        ),
        (
            "rs256ByKeyOfOtherKind",
            "eyJhbGciOiJSUzI1NiIsImtpZCI6ImVjLTEiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDB9.ZupvtOVx5vrWuzFEQjh-AilZJsFRItqpnRkFA0W2od_xwxy4XNoEzUJ5ffJrxNDB6fvcpfRA6rOYTXxsahDD-0bLBxAiXLMnDyr4rHO7zzkZwrndQ8lfR3aWg10AEnR8433yu9K6seBhMlYvTwBfAao0warubV3rN2VDdj4SSpipInbbDtWda70GmBlW0_7zsJGj2G9GoyQT08CsvgEaXT6qV6Bh_jdpQSlmqkIBQSlX6QgMUxL4mOLlaIrQBML5GcdqkD4Y5MWodNBfbha5BK-MJxpMksOuPMUXXaGDSXfRo6QQD1xPXyyVFwE96rm0-A6Anr-Bm9F6MRWHM374lw"
        ),
        (
            "es256InDER",
            "eyJhbGciOiAiRVMyNTYiLCAia2lkIjogImVjLTEifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIuZXhhbXBsZSIsICJhdWQiOiAiaG9sZGZhc3QiLCAic3ViIjogImMtMSIsICJzY29wZSI6ICJvcmRlcnM6cmVhZCBvcmRlcnM6d3JpdGUiLCAiaWF0IjogMTc2NzIyNTYwMCwgIm5iZiI6IDE3NjcyMjU2MDAsICJleHAiOiAxNzY3MjI2MjAwfQ.MEUCIQDPGW2wav6aGO6AGP8dsxpSERL9zMpyjeFj98urx_QaYQIgY-UNILAIH5OG_4XbWN4hggKyn2TglWnRllL1yHm7ZTY"
        ),
        (
            "es256ByForeignKey",
            "eyJhbGciOiJFUzI1NiIsImtpZCI6ImVjLTEiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDB9.4FGJ5m4XOn9cxW6rutGUo4AYjaVxkSzMdeBVQtxZWmvX1yNOA7x-3B9vLgSHYScbbaQQXX0DPyqx1ijMBe6aCw"
        ),
        (
            "es256OfZeros",
            "eyJhbGciOiAiRVMyNTYiLCAia2lkIjogImVjLTEifQ.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIuZXhhbXBsZSIsICJhdWQiOiAiaG9sZGZhc3QiLCAic3ViIjogImMtMSIsICJzY29wZSI6ICJvcmRlcnM6cmVhZCBvcmRlcnM6d3JpdGUiLCAiaWF0IjogMTc2NzIyNTYwMCwgIm5iZiI6IDE3NjcyMjU2MDAsICJleHAiOiAxNzY3MjI2MjAwfQ.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        ),
        (
            "es384",
            "eyJhbGciOiJFUzM4NCIsImtpZCI6ImVjLTM4NCIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDB9.DI7ot7tdR7yqv7ReC7dtJPi3ZtDYR13oFujLc1O7PX0FGsId9bqR3coCNGgU1dZK1dQpqpWOOyFhmD16IQC0hjm7Tagjytm2dkzKiir5Ds-6gr7iez1yTk82biRk-k2q"
        ),
        (
            "critical",
            "eyJhbGciOiJSUzI1NiIsImNyaXQiOlsiZXhwIl0sImtpZCI6InJzYS0xIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDB9.a552qdd3uKER16cmpf0JRAfoWsiwKQbs9fnfmPcLx0NxlofS6lxWU1gu8lE2eHCroGgu4LwrUKxJtsHIDqVYgaI4WtRVK3cFngZKfDzyZxjbzpdmT6VPJsGY6za84nAGalxpALwCaCGWfYVaej71YqZuoLO9fAbfH9ZZY721zV7xh-3-4iEkjCANtu9zaXkPGcB5LCJG-AKWZ-_CsDseo8Kd_md3S68Ekwe5UmYzZLDORDQXpxPZ6orLPWM12aK_nF6vg1mpmqiiIBOJBB2zfVscGwZjm5MTqrvMlBWs0Jo_pNqHn4KxivIj5xcIIo6MW2uhYBf9JjhpByHa_lV_Tg"
        ),
        (
            "unencodedPayload",
            "eyJhbGciOiAiSFMyNTYiLCAiYjY0IjogZmFsc2UsICJjcml0IjogWyJiNjQiXX0.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIuZXhhbXBsZSIsICJhdWQiOiAiaG9sZGZhc3QiLCAic3ViIjogImMtMSIsICJzY29wZSI6ICJvcmRlcnM6cmVhZCBvcmRlcnM6d3JpdGUiLCAiaWF0IjogMTc2NzIyNTYwMCwgIm5iZiI6IDE3NjcyMjU2MDAsICJleHAiOiAxNzY3MjI2MjAwfQ.VZCPu-S6v4i5cRFTQ9jt3aUxfdvNuXMJeKD7dKY8JHE"
        ),
        (
            "logoutToken",
            "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYS0xIiwidHlwIjoibG9nb3V0K2p3dCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaG9sZGZhc3QiLCJzdWIiOiJjLTEiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSIsImlhdCI6MTc2NzIyNTYwMCwibmJmIjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjYyMDB9.G6mbeZpcnFEHy3wR2M3QcWUEVXFI93Pqa7j-mwUVSCzlgkqQU25Xzkpw0g9Jsz4Hue5supqrbvKvUCiFJubFOWFq3stcGXBwQverf6Cyo9PfKqtWcI_Fdhw23jziOqSR9KMx3UHzmeTvzw_dPLy5kksaMgroK1i5M8-z7oYaYYnhaKtb0HGAIOa5GVSPE1weWBylbtQKk5toDzM6rZaSTV7lxJwm0PdIVasadwSdrXNQQe_cO217-hHyotSCjYkEPwqIwkeVhcROKnz-OB1O25c91T2eJ9kscfaIgDxMSpg0pIatQ5K7r2Mg1MLSTS4nIpNMw_JvrAUMUdk7ul_zZg"
        ),
        (
            "keyIDIsANumber",
            "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogMX0.eyJpc3MiOiAiaHR0cHM6Ly9pc3N1ZXIuZXhhbXBsZSIsICJhdWQiOiAiaG9sZGZhc3QiLCAic3ViIjogImMtMSIsICJzY29wZSI6ICJvcmRlcnM6cmVhZCBvcmRlcnM6d3JpdGUiLCAiaWF0IjogMTc2NzIyNTYwMCwgIm5iZiI6IDE3NjcyMjU2MDAsICJleHAiOiAxNzY3MjI2MjAwfQ.SmbeS0b_nF4CyFVzLk9WTLIQubPtXxYjs9ZwI1sRp8ywRT6vZiWfHpfaERfXMd_oDWEN5eHHV3zygN9vWY6oAQ4bWdskrfJqfh8xCNDDkty6d7Dw1Qi_KYW_R3VTo6WACSrd1Ih78Cg8yuDmJaahGmuBrThJfW86FFHUlBP8nxFpL-viN8UvyyXGQdk0UDKyHDrEdZWDAxjnnT4ZiWz_pohPVvqzRJyxi8SNodxBAJBEgKw6pmxktMVbFRwwHQMwQxVIbuoPZbB845cMuIr-bGidqffLMEl0jZ89Dbg1Ly8YufkZjcuQddWhyCe1lWXYa8gQmWc2Eta8WucN1_XvBg"
        ),
    ]

}
