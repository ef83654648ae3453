//! Services that the gateway publishes: described in the configuration file or in the store.

use countersign_model::{AuditEvent, CheckedService, PublishedService, UseCase};
use countersign_store::changes::Topic;
use countersign_store::published_services::StoredService;
use countersign_store::{self as store, Reads, Write};
use countersign_wire::PublishedName;
use serde_json::{Value, json};
use tracing::error;

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::gate::{Clash, PublishError, PublishedTable, Source};
use crate::organizations::check_revision;

/// A published service as it is shown.
#[derive(Clone, Debug)]
pub struct ListedService {
    /// Its name.
    pub name: PublishedName,
    /// Whether it stands in the configuration file, and not in the store.
    pub is_configured: bool,
    /// Counts its changes in the store; 0 for one of the configuration file.
    pub revision: i64,
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
    ) -> Result<ListedService, ManageError> {
        actor.check_role(UseCase::PublishServices)?;
        let checked = self.check(service)?;
        let now = self.clock.now();
        let detail = json!({"after": checked.definition()});
        let event = actor.event(
            now,
            None,
            "service.published",
            checked.name.as_str(),
            &detail,
        );
        store::retry(|| async {
            let mut write = self.store.write().await?;
            store::published_services::lock(&mut write).await?;
            self.must_fit(&mut write, &checked, None).await?;
            store::published_services::insert(&mut write, &checked, now).await?;
            self.finish_publishing(write, &event).await
        })
        .await?;
        self.apply(&Topic::PublishedServices).await;
        Ok(stored(checked.definition().clone(), 0))
    }

    /// Describes a service of the store anew; its name stays. Acts at once here, on other nodes
    /// within a second. Calls that it would not let through any more end.
    ///
    /// # Errors
    /// [`ManageError::NoPublishedService`], [`ManageError::ConfiguredService`];
    /// [`ManageError::Stale`] unless `revision` is the stored one, where it is given;
    /// [`ManageError::Publish`] as when it is published.
    pub async fn replace_service(
        &self,
        service: PublishedService,
        revision: Option<i64>,
        actor: &Actor,
    ) -> Result<ListedService, ManageError> {
        actor.check_role(UseCase::PublishServices)?;
        let checked = self.check(service)?;
        let (name, now) = (&checked.name, self.clock.now());
        let before = store::retry(|| async {
            let mut write = self.store.write().await?;
            store::published_services::lock(&mut write).await?;
            let before = self.stored(&mut write, name, revision).await?;
            self.must_fit(&mut write, &checked, Some(name)).await?;
            store::published_services::replace(&mut write, &checked, before.revision).await?;
            let detail = json!({"before": shown(&before), "after": checked.definition()});
            let event = actor.event(now, None, "service.changed", name.as_str(), &detail);
            self.finish_publishing(write, &event).await?;
            Ok::<_, ManageError>(before)
        })
        .await?;
        self.apply(&Topic::PublishedServices).await;
        Ok(stored(checked.definition().clone(), before.revision + 1))
    }

    /// Takes a service back that stands in the store: calls of it end nowhere from now on.
    ///
    /// # Errors
    /// [`ManageError::NoPublishedService`]; [`ManageError::ConfiguredService`] for one of the file;
    /// [`ManageError::Stale`] unless `revision` is the stored one, where it is given.
    pub async fn unpublish_service(
        &self,
        name: &PublishedName,
        revision: Option<i64>,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        actor.check_role(UseCase::PublishServices)?;
        let now = self.clock.now();
        store::retry(|| async {
            let mut write = self.store.write().await?;
            let before = self.stored(&mut write, name, revision).await?;
            store::published_services::delete(&mut write, &before).await?;
            let detail = json!({"before": shown(&before)});
            let event = actor.event(now, None, "service.unpublished", name.as_str(), &detail);
            self.finish_publishing(write, &event).await
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
        let configured = self.config.gateway.services().iter().map(configured);
        let mut read = self.store.read().await?;
        let stored = store::published_services::list(&mut read).await?;
        let stored = stored.iter().map(|service| self.listed(service));
        let mut all: Vec<_> = configured.chain(stored).collect();
        all.sort_by(|a, b| (&a.name, !a.is_configured).cmp(&(&b.name, !b.is_configured)));
        Ok(all)
    }

    /// The service of that name; of two, the one of the store, which can be changed.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`], [`ManageError::NoPublishedService`].
    pub async fn find_published_service(
        &self,
        name: &PublishedName,
        actor: &Actor,
    ) -> Result<ListedService, ManageError> {
        actor.check_role(UseCase::PublishServices)?;
        let mut read = self.store.read().await?;
        if let Some(service) = store::published_services::find(&mut read, name).await? {
            return Ok(self.listed(&service));
        }
        let mut all = self.config.gateway.services().iter();
        let found = all.find(|service| service.name == *name);
        found.map(configured).ok_or(ManageError::NoPublishedService)
    }

    /// What keeps services of the configuration file and of the store from being published side by
    /// side; empty in good order. A server does not start with one.
    ///
    /// # Errors
    /// [`store::Error`].
    pub async fn published_clashes(&self) -> Result<Vec<Clash>, store::Error> {
        let _one_at_a_time = self.loading.lock().await;
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
        for StoredService {
            name, definition, ..
        } in store::published_services::list(r).await?
        {
            match self.read(&definition) {
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

    /// Whether it can be published beside all others but the one of the store that it replaces.
    async fn must_fit(
        &self,
        write: &mut Write,
        service: &CheckedService,
        replaced: Option<&PublishedName>,
    ) -> Result<(), ManageError> {
        let described = self.described(write).await?;
        let others = described
            .into_iter()
            .filter(|(source, other)| *source != Source::Store || Some(&other.name) != replaced);
        let (others, _) = PublishedTable::new(others, &PublishedTable::default());
        match others.clash(service) {
            Some(clash) => Err(PublishError::Clash(clash).into()),
            None => Ok(()),
        }
    }

    async fn stored(
        &self,
        write: &mut Write,
        name: &PublishedName,
        revision: Option<i64>,
    ) -> Result<StoredService, ManageError> {
        let found = store::published_services::find(write, name).await?;
        let stored = found.ok_or_else(|| self.why_not_there(name))?;
        check_revision(revision, stored.revision)?;
        Ok(stored)
    }

    async fn finish_publishing(
        &self,
        mut write: Write,
        event: &AuditEvent,
    ) -> Result<(), ManageError> {
        store::audit::append(&mut write, event).await?;
        store::changes::append(&mut write, &Topic::PublishedServices, self.clock.now()).await?;
        Ok(write.commit().await?)
    }

    fn listed(&self, service: &StoredService) -> ListedService {
        let description = self.read(&service.definition);
        ListedService {
            name: service.name.clone(),
            is_configured: false,
            revision: service.revision,
            description: description.map(|service| service.definition().clone()),
        }
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

fn configured(service: &CheckedService) -> ListedService {
    ListedService {
        name: service.name.clone(),
        is_configured: true,
        revision: 0,
        description: Ok(service.definition().clone()),
    }
}

fn stored(definition: PublishedService, revision: i64) -> ListedService {
    ListedService {
        name: definition.name.clone(),
        is_configured: false,
        revision,
        description: Ok(definition),
    }
}

/// As the activity log shows it; text where this release cannot read it.
fn shown(service: &StoredService) -> Value {
    let text = &service.definition;
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str()))
}
