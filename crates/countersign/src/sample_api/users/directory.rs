//! The users and groups of one organization.

use countersign_wire::OrgId;
use serde_json::{Value, json};

/// Users and groups, as they are now.
#[derive(Clone, Debug)]
pub struct Directory {
    /// In the order in which they came.
    pub users: Vec<User>,
    /// In the order in which they came.
    pub groups: Vec<Group>,
}

/// A person.
#[derive(Clone, Debug)]
pub struct User {
    /// Identifies it.
    pub email: String,
    /// First name; may be empty.
    pub firstname: String,
    /// Last name; may be empty.
    pub lastname: String,
    /// Two letters.
    pub country: String,
    /// `federatedID`, `enterpriseID` or `adobeID`.
    pub kind: &'static str,
    /// Names of the groups that it is in.
    pub groups: Vec<String>,
}

/// Something that users can be in.
#[derive(Clone, Debug)]
pub struct Group {
    /// Number of the group.
    pub id: u64,
    /// Identifies it.
    pub name: String,
    /// Of a product, where it is one of its profiles.
    pub product: Option<&'static str>,
}

impl Directory {
    /// What an organization begins with.
    #[must_use]
    pub fn of(org: &OrgId) -> Self {
        // Nobody's real address: one domain for each organization, under a reserved name.
        let domain = format!("{}.example.com", org.ident().to_lowercase());
        let groups = (1..).zip(GROUPS).map(|(id, (name, product))| Group {
            id,
            name: name.to_owned(),
            product,
        });
        let users = PEOPLE
            .iter()
            .map(|(firstname, lastname, country, groups)| User {
                email: format!("{firstname}.{lastname}@{domain}").to_lowercase(),
                firstname: (*firstname).to_owned(),
                lastname: (*lastname).to_owned(),
                country: (*country).to_owned(),
                kind: "federatedID",
                groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            });
        Self {
            users: users.collect(),
            groups: groups.collect(),
        }
    }

    /// The user of that address.
    #[must_use]
    pub fn user(&self, email: &str) -> Option<&User> {
        self.users
            .iter()
            .find(|user| user.email.eq_ignore_ascii_case(email))
    }

    /// The same, to be changed.
    pub fn user_mut(&mut self, email: &str) -> Option<&mut User> {
        self.users
            .iter_mut()
            .find(|user| user.email.eq_ignore_ascii_case(email))
    }

    /// The group of that name.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// A group as a document.
    #[must_use]
    pub fn show_group(&self, group: &Group) -> Value {
        let members = self
            .users
            .iter()
            .filter(|user| user.groups.contains(&group.name));
        let mut shown = json!({
            "type": if group.product.is_some() { "PRODUCT_PROFILE" } else { "USER_GROUP" },
            "groupId": group.id,
            "groupName": group.name,
            "memberCount": members.count(),
        });
        if let Some(product) = group.product {
            shown["productName"] = product.into();
            shown["licenseQuota"] = "UNLIMITED".into();
        }
        shown
    }
}

impl User {
    /// As a document; what is not there is left out.
    #[must_use]
    pub fn show(&self) -> Value {
        let domain = self.email.split_once('@').map_or("", |(_, domain)| domain);
        let mut shown = json!({
            "email": self.email,
            "username": self.email,
            "domain": domain,
            "status": "active",
            "type": self.kind,
        });
        let optional = [
            ("firstname", &self.firstname),
            ("lastname", &self.lastname),
            ("country", &self.country),
        ];
        for (name, value) in optional.into_iter().filter(|(_, value)| !value.is_empty()) {
            shown[name] = value.as_str().into();
        }
        if !self.groups.is_empty() {
            shown["groups"] = json!(self.groups);
        }
        shown
    }
}

const GROUPS: [(&str, Option<&str>); 5] = [
    ("Coffee Roasters", None),
    ("Shop Managers", None),
    (
        "Cloud Manager - Deployment Manager",
        Some("Adobe Experience Manager as a Cloud Service"),
    ),
    (
        "Cloud Manager - Developer",
        Some("Adobe Experience Manager as a Cloud Service"),
    ),
    (
        "AEM Users",
        Some("Adobe Experience Manager as a Cloud Service"),
    ),
];

type Person = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

const PEOPLE: [Person; 12] = [
    ("Ada", "Bakker", "NL", &["Shop Managers", "AEM Users"]),
    ("Bruno", "Costa", "PT", &["Coffee Roasters"]),
    ("Chiara", "Fontana", "IT", &["Shop Managers", "AEM Users"]),
    (
        "Daniel",
        "Osei",
        "GH",
        &["Cloud Manager - Deployment Manager"],
    ),
    ("Elif", "Kaya", "TR", &["Cloud Manager - Developer"]),
    ("Finn", "Larsen", "DK", &["Coffee Roasters", "AEM Users"]),
    ("Grace", "Okafor", "NG", &["AEM Users"]),
    (
        "Hiro",
        "Tanaka",
        "JP",
        &["Cloud Manager - Developer", "AEM Users"],
    ),
    ("Ines", "Moreau", "FR", &["Shop Managers"]),
    ("Jonas", "Weber", "DE", &["Coffee Roasters"]),
    ("Kavya", "Nair", "IN", &["AEM Users"]),
    ("Liam", "Byrne", "IE", &[]),
];
