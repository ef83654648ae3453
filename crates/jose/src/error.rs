//! What can go wrong. No error ever holds key material or the text of a token.
//!
//! [`VerifyError`], [`ClaimFault`] and [`Malformed`] are exhaustive on purpose: whoever turns
//! them into answers has to see every case when one is added.

/// A key was not accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The private key is protected by a passphrase.
    #[error(
        "the private key is encrypted; remove the passphrase first: `openssl pkey -in FILE -out NEW_FILE`"
    )]
    Encrypted,
    /// Neither PEM, DER nor JWK of a key.
    #[error("this is not a key in a form we know")]
    NotAKey,
    /// PEM holds no section, or several, of the kind that was asked for.
    #[error("expected exactly one {0} in the PEM text")]
    NotOnePemSection(&'static str),
    /// A private key where a public one belongs.
    #[error("this is a private key; keep it to yourself and give the public key or certificate")]
    PrivateKey,
    /// Neither RSA, nor P-256, nor Ed25519.
    #[error("only RSA, P-256 and Ed25519 keys can be used")]
    Kind,
    /// RSA modulus outside of 2048 to 8192 bits.
    #[error("an RSA key of {0} bits cannot be used: at least 2048, at most 8192")]
    RsaSize(usize),
    /// RSA public exponent even, 3 or less, or 2^32 or more.
    #[error("the RSA public exponent must be odd, greater than 3 and less than 2^32")]
    RsaExponent,
    /// RSA modulus even or with a small prime factor.
    #[error("the RSA modulus has a small factor")]
    RsaModulus,
    /// RSA key made by a generator whose keys can be factored (ROCA, CVE-2017-15361).
    #[error("the RSA key was made by a broken generator (ROCA)")]
    Roca,
    /// A point that is not on the curve, or of small order.
    #[error("the public key is not a usable point of its curve")]
    Point,
    /// A member of a JWK is absent, of the wrong type or has a value we cannot use.
    #[error("the JWK member `{0}` is missing or cannot be used")]
    JwkMember(&'static str),
    /// The loaded key could not verify its own signature.
    #[error("the key failed its self-test: what it signs does not verify")]
    SelfTest,
    /// The cryptography library refused to make a key.
    #[error("no key could be generated")]
    Generate,
}

/// A signature could not be made. Nobody's input: the cryptography library failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("signing failed")]
pub struct SignError;

/// A key set was not accepted as a whole.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum JwksError {
    /// Two keys have the same `kid`.
    #[error("two keys of the set have the same `kid`")]
    DoubledKid,
    /// Not a JSON object with a list `keys` of objects.
    #[error("this is not a JSON Web Key Set")]
    NotAKeySet,
    /// A private or symmetric key lies in the set, open to everybody who can read it.
    #[error("the key set holds a private or symmetric key; publish public keys only")]
    PrivateMember,
    /// Too many bytes or too many keys.
    #[error("the key set is too large")]
    TooLarge,
}

/// A certificate was not accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// Not X.509, neither as PEM nor as DER, or something follows it.
    #[error("this is not an X.509 certificate in PEM or DER form")]
    NotACertificate,
    /// More than one certificate.
    #[error("upload one certificate at a time; this file holds several")]
    Several,
    /// More than 64 KiB.
    #[error("a certificate has at most 64 KiB")]
    TooLarge,
    /// A private key was given instead of a certificate.
    #[error(
        "this is a private key, not a certificate; it was not stored. \
         If it left your machine by mistake, make a new key pair"
    )]
    PrivateKey,
    /// The key is not RSA.
    #[error("the certificate must hold an RSA key, because assertions are signed with RS256")]
    NotRsa,
    /// RSA, but longer than a certificate for assertions may have.
    #[error("an RSA key of {0} bits cannot be used in a certificate: at least 2048, at most 4096")]
    RsaSize(usize),
    /// Signed with SHA-1, MD5 or an algorithm nobody knows.
    #[error("the certificate must be signed with SHA-256 or better")]
    WeakSignature,
    /// The key in it cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A date that X.509 cannot express, or a name it cannot hold.
    #[error("no certificate can be made with these dates or this name")]
    CannotMake,
}

/// Why a text is no token at all. Row 6 of the error table (ims-protocol 2.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Malformed {
    /// Longer than [`LONGEST_TOKEN`](crate::LONGEST_TOKEN).
    #[error("too long")]
    TooLong,
    /// Not exactly three parts.
    #[error("not three parts")]
    Parts,
    /// A part is not canonical base64url.
    #[error("not base64url")]
    Base64,
    /// Header or payload is not one strict JSON object.
    #[error("not a JSON object, or a member twice, or nested too deep")]
    Json,
}

/// A claim that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("claim `{claim}` {fault}")]
pub struct ClaimError {
    /// Name of the claim.
    pub claim: String,
    /// What is wrong with it.
    pub fault: ClaimFault,
}

impl ClaimError {
    /// An error about `claim`, for readers of claims outside of this crate.
    pub fn new(claim: impl Into<String>, fault: ClaimFault) -> Self {
        Self {
            claim: claim.into(),
            fault,
        }
    }
}

/// What is wrong with a claim.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ClaimFault {
    /// It is required and absent.
    #[error("is missing")]
    Missing,
    /// It has another JSON type; a fraction or an integer beyond 64 bits is no integer.
    #[error("has the wrong type")]
    WrongType,
    /// The type is right, the value can never be.
    #[error("has a value that is not allowed")]
    Value,
}

/// Why a token was not believed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum VerifyError {
    /// It is no token.
    #[error("malformed: {0}")]
    Malformed(#[from] Malformed),
    /// `alg` is absent, unknown, or not one the rules allow.
    #[error("algorithm not allowed")]
    Algorithm,
    /// A header parameter that must not be there or has a value that must not be.
    #[error("header parameter `{0}` not allowed")]
    Header(&'static str),
    /// Another kind of token: `typ`, `itt` or `type` says so.
    #[error("another kind of token")]
    Kind,
    /// `kid` names none of the keys, where it has to.
    #[error("unknown key")]
    UnknownKey,
    /// None of the keys made the signature.
    #[error("no key matches the signature")]
    Signature,
    /// A claim is missing or of the wrong form.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// Over. Both in seconds since 1970.
    #[error("expired: exp={exp}, now={now}")]
    Expired {
        /// Value of `exp`, or what stands for it.
        exp: i64,
        /// The time it was checked.
        now: i64,
    },
    /// `nbf` lies in the future. Both in seconds since 1970.
    #[error("not yet valid: nbf={nbf}, now={now}")]
    NotYetValid {
        /// Value of `nbf`.
        nbf: i64,
        /// The time it was checked.
        now: i64,
    },
    /// `iat` or `created_at` lies in the future. Both in seconds since 1970.
    #[error("issued in the future: iat={iat}, now={now}")]
    IssuedInFuture {
        /// Value of `iat`, or what stands for it.
        iat: i64,
        /// The time it was checked.
        now: i64,
    },
    /// `exp` lies further ahead than the rules allow. Both in seconds since 1970.
    #[error("expires too far in the future: exp={exp}, now={now}")]
    TooFarAhead {
        /// Value of `exp`.
        exp: i64,
        /// The time it was checked.
        now: i64,
    },
}
