//! The lists: what fits often, seldom and never, in every order.

use countersign_testkit::{Answer, TestClient};

/// Whom a list is for.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Face {
    /// People.
    Page,
    /// Programs, by the management API.
    Api,
    /// Programs, by Adobe's API.
    Transporter,
}

/// A list to ask for.
pub struct List {
    pub face: Face,
    pub path: String,
    /// Whether it is the first page.
    is_first: bool,
}

/// What there is.
pub struct Place {
    pub org: String,
    pub number: String,
    pub client: TestClient,
    /// The word for a half that its credential has, in paths.
    pub half: &'static str,
    pub projects: u32,
}

impl Place {
    /// A path without ids that are different each time.
    pub fn shown(&self, path: &str) -> String {
        let path = path
            .replace(&self.org, "{org}")
            .replace(&self.number, "{org}");
        let path = path.replace(self.client.project_id.as_str(), "{project}");
        let path = path.replace(self.client.id.as_str(), "{credential}");
        path.chars().take(100).collect()
    }
}

impl List {
    fn of(face: Face, path: String) -> Self {
        Self {
            face,
            path,
            is_first: true,
        }
    }

    /// How many things an answer lists; rows of a page.
    pub fn items(&self, answer: &Answer) -> usize {
        match self.face {
            Face::Page => answer.body.matches("<tr").count(),
            Face::Api => answer.json()["items"].as_array().map_or(0, Vec::len),
            Face::Transporter => {
                let body = answer.json();
                let list = body.as_array().or_else(|| body["content"].as_array());
                list.map_or(0, Vec::len)
            }
        }
    }

    /// The page behind an answer.
    pub fn behind(&self, answer: &Answer) -> Option<Self> {
        if !self.is_first {
            return None;
        }
        let path = match self.face {
            Face::Page => {
                let links = answer.body.split("href=\"").skip(1);
                let mut links = links.filter_map(|rest| rest.split('"').next());
                let next = links.find(|link| link.contains("after="))?;
                next.replace("&#38;", "&").replace("&amp;", "&")
            }
            Face::Api => {
                let body = answer.json();
                let cursor = body["next_cursor"].as_str()?;
                let sign = if self.path.contains('?') { '&' } else { '?' };
                format!("{}{sign}cursor={cursor}", self.path)
            }
            Face::Transporter => return None,
        };
        Some(Self {
            face: self.face,
            path,
            is_first: false,
        })
    }
}

/// All lists of all faces.
pub fn all(place: &Place) -> Vec<List> {
    let faces = [
        (Face::Page, pages(place)),
        (Face::Api, of_api(place)),
        (Face::Transporter, of_transporter(place)),
    ];
    faces
        .into_iter()
        .flat_map(|(face, paths)| paths.into_iter().map(move |path| List::of(face, path)))
        .collect()
}

fn pages(place: &Place) -> Vec<String> {
    let Place { number, client, .. } = place;
    let projects = format!("/console/projects/{number}");
    let project = format!("{projects}/{}", client.project_id);
    let credential = format!("{project}/credentials/{}", client.id);
    let organization = format!("/console/organizations/{number}");
    let found = [
        "",
        "sort=title",
        "sort=created",
        "sort=active",
        "q=project",
        "q=project+77",
        "q=no+such+thing",
        "created_by=person7%40",
        "created_by=nobody",
        "changed_by=person7%40",
        "service=DocCloudSDK",
        "service=StockSDK",
        "service=CampaignSDK",
        "attention=jwt",
        "attention=jwt&sort=title",
        "attention=certificates",
        "q=project&created_by=person7%40&service=DocCloudSDK&attention=jwt&sort=title",
    ];
    let mut all: Vec<_> = found
        .iter()
        .map(|query| format!("{projects}?{query}"))
        .collect();
    let ids = [client.client_id.as_str(), client.project_id.as_str()];
    all.extend(ids.map(|id| format!("{projects}?q={id}")));
    all.extend([
        project.clone(),
        format!("{project}/activity"),
        format!("{credential}/activity"),
        format!("{credential}/usage"),
        format!("{credential}/details/{}", place.half),
        format!("{organization}/activity"),
        format!("{organization}/activity?actor=person7"),
        format!("{organization}/activity?actor=nobody"),
        format!("{organization}/members"),
        format!("{organization}/profiles"),
        format!("{organization}/published-services"),
        format!("{organization}/keys"),
        format!("{organization}/policy"),
        format!("{organization}/access-tokens"),
        format!("{organization}/migration"),
        format!("{organization}/migration?risk=high"),
        format!("{organization}/migration?owner=nobody"),
        "/console/account/organizations".to_owned(),
        "/console/account".to_owned(),
    ]);
    all
}

fn of_api(place: &Place) -> Vec<String> {
    let Place { org, client, .. } = place;
    let base = format!("/api/v1/organizations/{org}");
    let projects = [
        "",
        "limit=200",
        "sort=-created_at",
        "sort=changed_at",
        "sort=-changed_at",
        "sort=active_at",
        "sort=title",
        "sort=-title",
        "search=project",
        "search=project+77",
        "search=no+such+thing",
        "created_by=person7%40",
        "created_by=nobody",
        "changed_by=person7%40",
        "service=DocCloudSDK",
        "service=StockSDK",
        "service=CampaignSDK",
        "has_jwt_credential=true",
        "has_jwt_credential=true&sort=-title",
        "certificates_expire_within_days=30",
        "certificates_expire_within_days=3650",
        "certificates_expire_within_days=0",
        "search=project&created_by=person7%40&service=DocCloudSDK&has_jwt_credential=true&sort=title",
        "search=project&service=StockSDK&certificates_expire_within_days=30&sort=-changed_at",
    ];
    let mut all: Vec<_> = projects
        .iter()
        .map(|query| format!("{base}/projects?{query}"))
        .collect();
    let by_id = [
        ("search", client.client_id.as_str()),
        ("search", client.project_id.as_str()),
    ];
    all.extend(by_id.map(|(name, value)| format!("{base}/projects?{name}={value}")));
    for list in [
        "/credentials",
        "/credentials?limit=200",
        "/members",
        "/invitations",
        "/profiles",
        "/activity",
        "/activity?limit=200",
        "/activity?actor=person%3Aperson7%40example.com",
        "/activity?actor=nobody",
        "/activity?action=credential.changed",
        "/activity?action=nothing",
        "/migrations",
        "/migration/board",
        "/migration/board?risk=high",
        "/migration/progress",
        "/notices",
        "/notices/unreachable",
    ] {
        all.push(format!("{base}{list}"));
    }
    all.push(format!("{base}/credentials?project={}", client.project_id));
    all.push(format!("{base}/activity?subject={}", client.id));
    all.extend(
        ["/organizations", "/access-tokens", "/services"].map(|path| format!("/api/v1{path}")),
    );
    all
}

fn of_transporter(place: &Place) -> Vec<String> {
    let base = format!("/console/organizations/{}", place.number);
    let last = place.projects / 500;
    let mut all: Vec<_> = [
        "page=1".to_owned(),
        format!("page={last}&size=500"),
        "page=1&sortField=title".to_owned(),
        "page=1&sortField=date_last_modified&sortOrder=DESC".to_owned(),
        "page=1&title=Project+000077".to_owned(),
        "page=1&credentialType=service".to_owned(),
        "page=1&credentialType=oauthweb".to_owned(),
        "page=1&projectType=jaeger".to_owned(),
        format!("page=1&projectIds={}", place.client.project_id),
        "page=1&includeCredentials=true".to_owned(),
    ]
    .into_iter()
    .map(|query| format!("{base}/projects?{query}"))
    .collect();
    all.push(format!("{base}/integrations"));
    all.push(format!("{base}/integrations?page={last}&size=500"));
    all.push(format!("{base}/services"));
    all
}
