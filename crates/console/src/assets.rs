//! The style sheet and the script: embedded, named by their content, kept by browsers for ever.
//!
//! The whole look is one file: what a page needs first is not worth several round trips.

use std::sync::LazyLock;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;

/// A file that is served as it is.
pub(crate) struct Asset {
    /// Path with a digest of the content.
    pub(crate) path: String,
    content: String,
    media_type: HeaderValue,
}

impl Asset {
    fn new(stem: &str, extension: &str, content: String, media_type: &'static str) -> Self {
        let digest = crc32fast::hash(content.as_bytes());
        Self {
            path: format!("/console/assets/{stem}-{digest:08x}.{extension}"),
            content,
            media_type: HeaderValue::from_static(media_type),
        }
    }
}

/// Everything about the look. Spectrum names its colours by class; which of the two sets holds is
/// the reader's setting, so the dark one is put into a media query, and no script is needed.
pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let dark = format!(
        "@media (prefers-color-scheme: dark) {{\n{}\n}}",
        include_str!("../assets/vendor/spectrum-tokens-dark.css")
    );
    let sheets = [
        include_str!("../assets/vendor/spectrum-tokens-global.css"),
        include_str!("../assets/vendor/spectrum-tokens-light.css"),
        include_str!("../assets/vendor/spectrum-tokens-medium.css"),
        &dark,
        include_str!("../assets/vendor/spectrum-page.css"),
        include_str!("../assets/vendor/spectrum-typography.css"),
        include_str!("../assets/vendor/spectrum-button.css"),
        include_str!("../assets/vendor/spectrum-badge.css"),
        include_str!("../assets/vendor/spectrum-textfield.css"),
        include_str!("../assets/vendor/spectrum-fieldlabel.css"),
        include_str!("../assets/vendor/spectrum-helptext.css"),
        include_str!("../assets/vendor/spectrum-inlinealert.css"),
        include_str!("../assets/vendor/spectrum-statuslight.css"),
        include_str!("../assets/console.css"),
    ];
    Asset::new(
        "console",
        "css",
        sheets.join("\n"),
        "text/css; charset=utf-8",
    )
});

/// What a page can do better with a script, and can do without.
pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("../assets/console.js").to_owned();
    Asset::new("console", "js", content, "text/javascript; charset=utf-8")
});

/// The routes of all assets. Only embedded names are served; no path reaches the file system.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    [&*STYLE, &*SCRIPT]
        .into_iter()
        .fold(Router::new(), |router, asset| {
            router.route(&asset.path, get(async || serve(asset)))
        })
}

fn serve(asset: &'static Asset) -> impl IntoResponse {
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    let headers = [
        (CONTENT_TYPE, asset.media_type.clone()),
        (CACHE_CONTROL, forever),
    ];
    (headers, asset.content.as_str())
}
