//! Refusals of the Cloud Manager API. Source: spec/aem-integrations.md 8.4.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::sample_api::caller::NotThroughGateway;

/// Why a call was refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Problem {
    /// The identity headers are missing.
    NotThroughGateway,
    /// The token does not hold the scope.
    MissingScope,
    /// Nothing of that kind and id, in the caller's organization.
    NotFound(&'static str),
    /// The path knows other methods.
    MethodNotAllowed,
    /// A parameter of the query that cannot be used.
    InvalidParameter {
        /// Its name.
        name: &'static str,
        /// What it should be.
        reason: &'static str,
    },
    /// Parameters of the query that are not there.
    MissingParameters(Vec<&'static str>),
    /// The program does not run in emergency mode.
    NoEmergency,
    /// An execution is running.
    Busy,
}

impl Problem {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotThroughGateway | Self::MissingScope => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::InvalidParameter { .. } | Self::MissingParameters(_) | Self::NoEmergency => {
                StatusCode::BAD_REQUEST
            }
            Self::Busy => StatusCode::PRECONDITION_FAILED,
        }
    }

    fn body(&self) -> Value {
        let plain =
            |title: &str, error: &str| json!({ "type": ERROR, "title": title, "errors": [error] });
        match self {
            Self::NotThroughGateway => plain(
                "Forbidden",
                "This API answers calls that come through the gateway only",
            ),
            Self::MissingScope => plain(
                "Forbidden",
                "The token does not hold the scope read_pc.dma_aem_ams",
            ),
            Self::NotFound(what) => plain("Not Found", &format!("{what} not found")),
            Self::MethodNotAllowed => plain("Method Not Allowed", "This path has other methods"),
            Self::Busy => plain(
                "Precondition Failed",
                "The pipeline is busy: wait until its current execution has ended",
            ),
            Self::InvalidParameter { name, reason } => json!({
                "type": ERROR,
                "title": "Validation failed",
                "missingParams": [],
                "invalidParams": [{ "name": name, "reason": reason }],
            }),
            Self::MissingParameters(names) => json!({
                "type": ERROR,
                "title": "Validation failed",
                "missingParams": names.iter()
                    .map(|name| json!({ "name": name, "type": "string" }))
                    .collect::<Vec<_>>(),
                "invalidParams": [],
            }),
            Self::NoEmergency => json!({
                "type": VALIDATION,
                "title": "Constraint Violations",
                "errors": { "pipelineExecutionMode": {
                    "field": "pipelineExecutionMode",
                    "code": "NotAllowed",
                    "message": "is for programs of managed services only",
                    "invalidValue": "EMERGENCY",
                } },
            }),
        }
    }
}

impl From<NotThroughGateway> for Problem {
    fn from(_: NotThroughGateway) -> Self {
        Self::NotThroughGateway
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = self.body();
        body["status"] = self.status().as_u16().into();
        (
            self.status(),
            [(header::CONTENT_TYPE, PROBLEM_JSON)],
            body.to_string(),
        )
            .into_response()
    }
}

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
const ERROR: &str = "http://ns.adobe.com/adobecloud/error";
const VALIDATION: &str = "http://ns.adobe.com/adobecloud/validation-exception";
