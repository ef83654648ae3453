//! What can be asked for: each kind of token by each grant.

use std::fmt;

use countersign_authority::Grant;
use countersign_jose::Algorithm;
use countersign_model::{SigningAlgorithm, TokenKind};

#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Kind {
    pub grant: Grant,
    pub token: TokenKind,
}

impl Kind {
    /// What the original issues.
    pub const IMS: Self = Self {
        grant: Grant::ClientCredentials,
        token: TokenKind::Ims,
    };
    /// What is signed fastest of what every middleware verifies.
    pub const ES256: Self = Self {
        grant: Grant::ClientCredentials,
        token: standard(SigningAlgorithm::Es256),
    };

    pub fn every() -> impl Iterator<Item = Self> {
        let tokens = std::iter::once(TokenKind::Ims).chain(SigningAlgorithm::ALL.map(standard));
        let by = move |grant| tokens.clone().map(move |token| Self { grant, token });
        [Grant::ClientCredentials, Grant::JwtExchange]
            .into_iter()
            .flat_map(by)
    }

    /// What signs it.
    pub fn algorithm(self) -> Algorithm {
        match self.token.algorithm() {
            SigningAlgorithm::Rs256 => Algorithm::Rs256,
            SigningAlgorithm::Es256 => Algorithm::Es256,
            SigningAlgorithm::EdDsa => Algorithm::EdDsa,
        }
    }
}

/// `client_credentials, IMS RS256`
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = match self.token {
            TokenKind::Ims => "IMS",
            TokenKind::Standard { .. } => "RFC 9068",
        };
        let (grant, algorithm) = (self.grant.as_str(), self.token.algorithm().as_str());
        f.pad(&format!("{grant}, {form} {algorithm}"))
    }
}

const fn standard(algorithm: SigningAlgorithm) -> TokenKind {
    TokenKind::Standard { algorithm }
}
