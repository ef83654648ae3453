//! Which kind of access token a credential gets.

/// An algorithm that access tokens are signed with (RFC 7518, RFC 8037).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum SigningAlgorithm {
    /// RSA PKCS#1 v1.5 with SHA-256: what every verifier can do.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl SigningAlgorithm {
    /// All of them, the most compatible first.
    pub const ALL: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];

    /// The value of `alg`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of that name, exactly as JOSE spells it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }
}

/// Which kind of access token a credential gets, whichever endpoint it asks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TokenKind {
    /// As the original's (`spec/ims-protocol.md` 4.1, 4.2); RS256.
    #[default]
    Ims,
    /// A JWT access token of RFC 9068, for ordinary JWT middleware.
    Standard {
        /// What it is signed with.
        algorithm: SigningAlgorithm,
    },
}

impl TokenKind {
    /// The algorithm its tokens are signed with.
    #[must_use]
    pub const fn algorithm(self) -> SigningAlgorithm {
        match self {
            Self::Ims => SigningAlgorithm::Rs256,
            Self::Standard { algorithm } => algorithm,
        }
    }

    /// The word for it in the store and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ims => "ims",
            Self::Standard { algorithm } => match algorithm {
                SigningAlgorithm::Rs256 => "standard:RS256",
                SigningAlgorithm::Es256 => "standard:ES256",
                SigningAlgorithm::EdDsa => "standard:EdDSA",
            },
        }
    }

    /// The kind of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let standard = SigningAlgorithm::ALL.map(|algorithm| Self::Standard { algorithm });
        std::iter::once(Self::Ims)
            .chain(standard)
            .find(|kind| kind.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_word() {
        let standard = SigningAlgorithm::ALL.map(|algorithm| TokenKind::Standard { algorithm });
        for kind in [TokenKind::Ims].into_iter().chain(standard) {
            assert_eq!(TokenKind::parse(kind.as_str()), Some(kind));
            assert!(kind.as_str().ends_with(match kind {
                TokenKind::Ims => "ims",
                TokenKind::Standard { algorithm } => algorithm.as_str(),
            }));
        }
        for word in ["", "IMS", "standard", "standard:none", "standard:HS256"] {
            assert_eq!(TokenKind::parse(word), None, "{word}");
        }
    }
}
