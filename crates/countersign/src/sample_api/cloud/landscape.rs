//! The programs of an organization, made of nothing but its id: the same ones after every start,
//! and other ids for every organization.

use countersign_wire::{OrgId, Timestamp};

mod programs;

use programs::PROGRAMS;

/// Everything an organization has.
#[derive(Debug)]
pub struct Landscape {
    /// The one tenant.
    pub tenant: Tenant,
    /// Programs in the order of their names.
    pub programs: Vec<Program>,
}

/// What programs belong to.
#[derive(Debug)]
pub struct Tenant {
    /// `id` and `imsTenantId` alike. Our choice: so that a program's `tenantId` finds it.
    pub id: String,
    /// Its organization.
    pub org: OrgId,
}

/// A program with all that is in it.
#[derive(Debug)]
pub struct Program {
    /// Decimal digits.
    pub id: String,
    /// What is the same for all organizations.
    pub plan: &'static ProgramPlan,
    /// Where code is built and goes.
    pub environments: Vec<Environment>,
    /// How code gets there.
    pub pipelines: Vec<Pipeline>,
    /// Where code comes from.
    pub repository: Option<Repository>,
}

/// A place that runs code.
#[derive(Debug)]
pub struct Environment {
    /// Decimal digits.
    pub id: String,
    /// Name, unique in the program.
    pub name: String,
    /// What is the same for all organizations.
    pub plan: &'static EnvironmentPlan,
}

/// A way from the repository to environments.
#[derive(Debug)]
pub struct Pipeline {
    /// Decimal digits.
    pub id: String,
    /// What is the same for all organizations.
    pub plan: &'static PipelinePlan,
}

/// A source code repository.
#[derive(Debug)]
pub struct Repository {
    /// Decimal digits.
    pub id: String,
    /// Its name.
    pub name: &'static str,
}

/// Member `type` of a program. Source: spec/aem-integrations.md 8.3.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProgramType {
    /// `aem_cloud_service`
    CloudService,
    /// `aem_managed_services`
    ManagedServices,
    /// `media_library`
    MediaLibrary,
}

impl ProgramType {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CloudService => "aem_cloud_service",
            Self::ManagedServices => "aem_managed_services",
            Self::MediaLibrary => "media_library",
        }
    }
}

/// A program before it has an owner.
#[derive(Debug)]
pub struct ProgramPlan {
    /// Its name.
    pub name: &'static str,
    /// What kind of program.
    pub kind: ProgramType,
    /// `ready` or `creating`.
    pub status: &'static str,
    /// Whether it is a sandbox.
    pub sandbox: bool,
    /// Where its environments can be.
    pub regions: &'static [&'static str],
    /// When it was made.
    pub created_at: Timestamp,
    /// Name of its repository; none has no code.
    repository: Option<&'static str>,
    environments: &'static [EnvironmentPlan],
    pipelines: &'static [PipelinePlan],
}

/// An environment before it has an owner.
#[derive(Debug)]
pub struct EnvironmentPlan {
    /// `dev`, `stage`, `prod` or `rde`.
    pub kind: &'static str,
    /// `ready`, `hibernated` and the like.
    pub status: &'static str,
    /// What it is for.
    pub description: &'static str,
}

/// A pipeline before it has an owner.
#[derive(Debug)]
pub struct PipelinePlan {
    /// Its name.
    pub name: &'static str,
    /// `MANUAL` or `ON_COMMIT`.
    pub trigger: &'static str,
    /// The branch that it builds.
    pub branch: &'static str,
    /// Types of the environments that it deploys to, in this order.
    pub deploys_to: &'static [&'static str],
    /// How many executions there were before anybody called.
    pub past: u32,
}

impl Landscape {
    /// The landscape of an organization.
    #[must_use]
    pub fn of(org: &OrgId) -> Self {
        let number = number_of(org);
        let tenant = Tenant {
            id: format!("harbour{number}"),
            org: org.clone(),
        };
        let programs = (1..)
            .zip(&PROGRAMS)
            .map(|(at, plan)| Program::make(number * 10 + at, plan));
        Self {
            tenant,
            programs: programs.collect(),
        }
    }

    /// The program of that id.
    #[must_use]
    pub fn program(&self, id: &str) -> Option<&Program> {
        self.programs.iter().find(|program| program.id == id)
    }
}

impl Program {
    fn make(number: u64, plan: &'static ProgramPlan) -> Self {
        let slug = plan.name.to_lowercase().replace(' ', "-");
        let environments = (1..).zip(plan.environments).map(|(at, plan)| Environment {
            id: (number * 100 + at).to_string(),
            name: format!("{slug}-{}", plan.kind),
            plan,
        });
        let pipelines = (51..)
            .zip(plan.pipelines)
            .map(|(at, plan): (u64, _)| Pipeline {
                id: (number * 100 + at).to_string(),
                plan,
            });
        Self {
            id: number.to_string(),
            plan,
            environments: environments.collect(),
            pipelines: pipelines.collect(),
            repository: plan.repository.map(|name| Repository {
                id: (number * 100 + 91).to_string(),
                name,
            }),
        }
    }

    /// The pipeline of that id.
    #[must_use]
    pub fn pipeline(&self, id: &str) -> Option<&Pipeline> {
        self.pipelines.iter().find(|pipeline| pipeline.id == id)
    }

    /// The environment of that id.
    #[must_use]
    pub fn environment(&self, id: &str) -> Option<&Environment> {
        self.environments
            .iter()
            .find(|environment| environment.id == id)
    }

    /// The environment that a pipeline means by a type.
    #[must_use]
    pub fn environment_of(&self, kind: &str) -> Option<&Environment> {
        self.environments
            .iter()
            .find(|environment| environment.plan.kind == kind)
    }
}

/// Five digits of an organization (FNV-1a). Two organizations may share them: what keeps them
/// apart is that every look-up begins with the caller's own organization.
fn number_of(org: &OrgId) -> u64 {
    let hash = org
        .as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    10_000 + hash % 90_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn org(text: &str) -> OrgId {
        OrgId::parse(text).expect("an organization")
    }

    #[test]
    fn an_organization_always_has_the_same_landscape_and_another_one_has_other_ids() {
        let one = org("76543210FEDCBA9876543210@AdobeOrg");
        let ids = |org: &OrgId| -> Vec<String> {
            Landscape::of(org)
                .programs
                .into_iter()
                .map(|program| program.id)
                .collect()
        };
        assert_eq!(ids(&one), ids(&one));
        assert_ne!(ids(&one), ids(&org("76543210FEDCBA9876543211@AdobeOrg")));
    }

    #[test]
    fn every_pipeline_deploys_to_environments_that_are_there() {
        for program in Landscape::of(&org("76543210FEDCBA9876543210@AdobeOrg")).programs {
            for pipeline in &program.pipelines {
                assert!(program.repository.is_some());
                for kind in pipeline.plan.deploys_to {
                    assert!(
                        program.environment_of(kind).is_some(),
                        "{} {kind}",
                        program.id
                    );
                }
            }
        }
    }
}
