//! Passwords of people: hashed slowly, a few at a time.

use std::sync::Arc;
use std::time::Duration;

use argon2::{PasswordHasher as _, PasswordVerifier as _};
use countersign_wire::Opaque;
use tokio::sync::OwnedSemaphorePermit;

use crate::Authority;
use crate::error::ManageError;

/// How many are hashed at the same time: each takes 19 MiB and some tens of milliseconds of a core.
pub(crate) const AT_ONCE: usize = 2;
/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// Of no password: unknown names cost as much as known ones. Same parameters as [`hash`].
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$Y291bnRlcnNpZ25zYWx0$\
    oZyqkB3Hbb3Vd0CzCq1x7TqjTtSW8XvPpJrE7VQJ5nY";

impl Authority {
    /// The slow hash of a password, in PHC form.
    pub(crate) async fn hash_password(&self, password: Opaque) -> Result<String, ManageError> {
        let turn = self.password_turn().await?;
        let hashed = tokio::task::spawn_blocking(move || {
            let hash = argon2::Argon2::default().hash_password(password.expose().as_bytes());
            drop(turn);
            hash.map(|hash| hash.to_string())
        });
        match hashed.await {
            Ok(Ok(hash)) => Ok(hash),
            Ok(Err(_)) | Err(_) => Err(ManageError::Hash),
        }
    }

    /// Whether a password is the one that was hashed; never, where nobody's was.
    pub(crate) async fn is_password(
        &self,
        hash: Option<&str>,
        shown: Opaque,
    ) -> Result<bool, ManageError> {
        let turn = self.password_turn().await?;
        let known = hash.is_some();
        let hash = hash.unwrap_or(NOBODYS).to_owned();
        // The turn ends with the hash, not with the caller who may hang up meanwhile.
        let verified = tokio::task::spawn_blocking(move || {
            let verified = verify(&hash, &shown);
            drop(turn);
            verified
        });
        Ok(verified.await.map_err(|_| ManageError::Hash)? && known)
    }

    async fn password_turn(&self) -> Result<OwnedSemaphorePermit, ManageError> {
        let turn = Arc::clone(&self.password_hashes).acquire_owned();
        match tokio::time::timeout(PATIENCE, turn).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(ManageError::Busy),
        }
    }
}

fn verify(hash: &str, shown: &Opaque) -> bool {
    argon2::PasswordHash::new(hash).is_ok_and(|hash| {
        argon2::Argon2::default()
            .verify_password(shown.expose().as_bytes(), &hash)
            .is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobodys_hash_costs_as_much_as_anybodys() {
        let hash = argon2::Argon2::default()
            .hash_password(b"some password")
            .expect("hashes")
            .to_string();
        let cost = |text: &str| text.split('$').take(4).collect::<Vec<_>>().join("$");
        assert_eq!(cost(NOBODYS), cost(&hash));
        let nobodys = argon2::PasswordHash::new(NOBODYS).expect("well-formed");
        let real = argon2::PasswordHash::new(&hash).expect("well-formed");
        assert_eq!(
            nobodys.hash.map(|hash| hash.len()),
            real.hash.map(|hash| hash.len())
        );
        assert!(!verify(NOBODYS, &Opaque::new("some password".to_owned())));
        assert!(verify(&hash, &Opaque::new("some password".to_owned())));
    }
}
