//! The programs that every organization has.

use countersign_wire::Timestamp;

use super::{EnvironmentPlan, PipelinePlan, ProgramPlan, ProgramType};

pub(super) const PROGRAMS: [ProgramPlan; 4] = [
    ProgramPlan {
        name: "Brand Library",
        kind: ProgramType::MediaLibrary,
        status: "creating",
        sandbox: false,
        regions: &["nld2"],
        created_at: Timestamp::from_millis(1_768_910_412_087), // 2026-01-20
        repository: None,
        environments: &[],
        pipelines: &[],
    },
    ProgramPlan {
        name: "Harbour Coffee",
        kind: ProgramType::CloudService,
        status: "ready",
        sandbox: false,
        regions: &["nld2", "va7", "aus5"],
        created_at: Timestamp::from_millis(1_704_805_856_125), // 2024-01-09
        repository: Some("harbour-coffee"),
        environments: &[
            environment("prod", "ready", "The shop as customers see it"),
            environment("stage", "ready", "Last stop before production"),
            environment("dev", "ready", "Where the team tries things"),
            environment("rde", "hibernated", "Rapid development, woken up on demand"),
        ],
        pipelines: &[
            PipelinePlan {
                name: "Production",
                trigger: "MANUAL",
                branch: "main",
                deploys_to: &["stage", "prod"],
                past: 25,
            },
            PipelinePlan {
                name: "Development",
                trigger: "ON_COMMIT",
                branch: "develop",
                deploys_to: &["dev"],
                past: 7,
            },
            PipelinePlan {
                name: "Code Quality",
                trigger: "ON_COMMIT",
                branch: "develop",
                deploys_to: &[],
                past: 0,
            },
        ],
    },
    ProgramPlan {
        name: "Harbour Playground",
        kind: ProgramType::CloudService,
        status: "ready",
        sandbox: true,
        regions: &["nld2"],
        created_at: Timestamp::from_millis(1_741_597_263_402), // 2025-03-10
        repository: Some("harbour-playground"),
        environments: &[
            environment("prod", "hibernated", "Production of the sandbox"),
            environment("stage", "hibernated", "Stage of the sandbox"),
            environment("dev", "ready", "Training"),
        ],
        pipelines: &[PipelinePlan {
            name: "Playground",
            trigger: "MANUAL",
            branch: "main",
            deploys_to: &["dev"],
            past: 2,
        }],
    },
    ProgramPlan {
        name: "Intranet",
        kind: ProgramType::ManagedServices,
        status: "ready",
        sandbox: false,
        regions: &["deu6"],
        created_at: Timestamp::from_millis(1_562_677_856_125), // 2019-07-09
        repository: Some("intranet"),
        environments: &[
            environment("prod", "ready", "The intranet"),
            environment("stage", "degraded", "Stage, short of one instance"),
            environment("dev", "ready", "Development"),
        ],
        pipelines: &[PipelinePlan {
            name: "Intranet Release",
            trigger: "MANUAL",
            branch: "master",
            deploys_to: &["stage", "prod"],
            past: 4,
        }],
    },
];

const fn environment(
    kind: &'static str,
    status: &'static str,
    description: &'static str,
) -> EnvironmentPlan {
    EnvironmentPlan {
        kind,
        status,
        description,
    }
}
