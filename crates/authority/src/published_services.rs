//! Services that the gateway publishes: described in the configuration file or in the store.

use countersign_model::{CheckedService, PublishedService, UseCase};
use countersign_store::changes::Topic;
use countersign_store::{self as store, Reads};
use countersign_wire::PublishedName;
use serde_json::json;
use tracing::error;

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::gate::{Clash, PublishError, PublishedTable, Source};

/// A published service as a list shows it.
#[derive(Clone, Debug)]
pub struct ListedService {
    /// Its name.
    pub name: PublishedName,
    /// Whether it stands in the configuration file, and not in the store.
    pub is_configured: bool,
    /// Its description, or why it is not published.
    pub description: Result<PublishedService, String>,
}

impl Authority {
    /// Publishes a service. Acts at once here, on other nodes within a second.
    ///
    /// # Errors
    /// [`ManageError::Publish`] when it cannot work, or not beside the others.
    pub async fn publish_service(
        &self,
        service: PublishedService,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        actor.check_role(UseCase::PublishServices)?;
        let checked = self.check(service)?;
        let now = self.clock.now();
        store::retry(|| async {
            let mut write = self.store.write().await?;
            store::published_services::lock(&mut write).await?;
            let (others, _) = PublishedTable::new(
                self.described(&mut write).await?,
                &PublishedTable::default(),
            );
            if let Some(clash) = others.clash(&checked) {
                return Err(PublishError::Clash(clash).into());
            }
            store::published_services::insert(&mut write, &checked, now).await?;
            let detail = json!({"service": checked.service, "prefix": checked.prefix});
            let event = actor.event(
                now,
                None,
                "service.published",
                checked.name.as_str(),
                &detail,
            );
            store::audit::append(&mut write, &event).await?;
            store::changes::append(&mut write, &Topic::PublishedServices, self.clock.now()).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await?;
        self.apply(&Topic::PublishedServices).await;
        Ok(())
    }

    /// Takes a service back that stands in the store: calls of it end nowhere from now on.
    ///
    /// # Errors
    /// [`ManageError::NoPublishedService`]; [`ManageError::ConfiguredService`] for one of the file.
    pub async fn unpublish_service(
        &self,
        name: &PublishedName,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        actor.check_role(UseCase::PublishServices)?;
        let now = self.clock.now();
        store::retry(|| async {
            let mut write = self.store.write().await?;
            if !store::published_services::delete(&mut write, name).await? {
                return Err(self.why_not_there(name));
            }
            let event = actor.event(now, None, "service.unpublished", name.as_str(), &json!({}));
            store::audit::append(&mut write, &event).await?;
            store::changes::append(&mut write, &Topic::PublishedServices, self.clock.now()).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await?;
        self.apply(&Topic::PublishedServices).await;
        Ok(())
    }

    /// All services, by name, whether they can be published or not.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`].
    pub async fn list_published_services(
        &self,
        actor: &Actor,
    ) -> Result<Vec<ListedService>, ManageError> {
        actor.check_role(UseCase::PublishServices)?;
        let configured = self.config.gateway.services().iter();
        let configured = configured.map(|service| ListedService {
            name: service.name.clone(),
            is_configured: true,
            description: Ok(service.definition().clone()),
        });
        let mut read = self.store.read().await?;
        let stored = store::published_services::list(&mut read).await?;
        let stored = stored.into_iter().map(|(name, text)| ListedService {
            name,
            is_configured: false,
            description: self.read(&text).map(|service| service.definition().clone()),
        });
        let mut all: Vec<_> = configured.chain(stored).collect();
        all.sort_by(|a, b| (&a.name, !a.is_configured).cmp(&(&b.name, !b.is_configured)));
        Ok(all)
    }

    /// What keeps services of the configuration file and of the store from being published side by
    /// side; empty in good order. A server does not start with one.
    ///
    /// # Errors
    /// [`store::Error`].
    pub async fn published_clashes(&self) -> Result<Vec<Clash>, store::Error> {
        let mut read = self.store.read().await?;
        let described = self.described(&mut read).await?;
        Ok(PublishedTable::new(described, &PublishedTable::default()).1)
    }

    /// Reads what is published now. A service that cannot be is left out and said so; the others
    /// must not go with it.
    pub(crate) async fn load_published(&self) -> Result<(), store::Error> {
        let mut read = self.store.read().await?;
        let described = self.described(&mut read).await?;
        drop(read);
        let (table, clashes) = PublishedTable::new(described, &self.published.load());
        for clash in clashes {
            error!("one of two services is not published: {clash}");
        }
        self.published.store(table.into());
        Ok(())
    }

    /// Those of the configuration file first: they win.
    async fn described(
        &self,
        r: &mut impl Reads,
    ) -> Result<Vec<(Source, CheckedService)>, store::Error> {
        let configured = self.config.gateway.services().iter().cloned();
        let mut all: Vec<_> = configured
            .map(|service| (Source::Configuration, service))
            .collect();
        for (name, text) in store::published_services::list(r).await? {
            match self.read(&text) {
                Ok(service) => all.push((Source::Store, service)),
                Err(error) => error!("stored service `{name}` is not published: {error}"),
            }
        }
        Ok(all)
    }

    fn read(&self, text: &str) -> Result<CheckedService, String> {
        let service = PublishedService::from_json(text).map_err(|error| error.to_string())?;
        service
            .checked(&self.catalogue)
            .map_err(|error| error.to_string())
    }

    fn check(&self, service: PublishedService) -> Result<CheckedService, PublishError> {
        let name = service.name.clone();
        let checked = service.checked(&self.catalogue);
        checked.map_err(|error| PublishError::Service(name, error))
    }

    fn why_not_there(&self, name: &PublishedName) -> ManageError {
        let mut configured = self.config.gateway.services().iter();
        if configured.any(|service| service.name == *name) {
            ManageError::ConfiguredService(name.clone())
        } else {
            ManageError::NoPublishedService
        }
    }
}
