//! Pages about projects and credentials.

pub(crate) mod projects;
