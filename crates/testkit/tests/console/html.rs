//! The forms of a page, as a browser reads them.

/// A form that is posted.
pub struct Form {
    pub action: String,
    pub fields: Vec<Field>,
}

/// A field, and what a browser would send of it.
#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    /// The type of an input, or the name of another element.
    pub kind: String,
    pub value: String,
    /// Whether it is sent as it stands: boxes that are not ticked are not.
    pub is_sent: bool,
}

impl Field {
    /// Whether people type into it.
    pub fn is_typed(&self) -> bool {
        !["hidden", "checkbox", "radio", "select", "file"].contains(&self.kind.as_str())
    }

    /// Whether what is typed into it is never shown.
    pub fn is_secret(&self) -> bool {
        self.kind == "password" || self.name == "private_key"
    }
}

/// The forms with method POST.
pub fn forms(page: &str) -> Vec<Form> {
    let posted = page.split("<form ").skip(1);
    let posted = posted.filter_map(|text| {
        let (text, _) = text.split_once("</form>")?;
        let (head, body) = text.split_once('>')?;
        (attribute(head, "method")? == "post").then(|| Form {
            action: attribute(head, "action").expect("a form leads somewhere"),
            fields: fields(body),
        })
    });
    posted.collect()
}

fn fields(body: &str) -> Vec<Field> {
    let tags = body.split('<').skip(1);
    let mut fields: Vec<Field> = Vec::new();
    for tag in tags {
        let (head, text) = tag.split_once('>').unwrap_or((tag, ""));
        let (element, attributes) = head.split_once([' ', '\n']).unwrap_or((head, ""));
        let of = |name| attribute(attributes, name);
        let has = |word: &str| attributes.split([' ', '\n']).any(|one| one == word);
        match element {
            // What has no name is not sent.
            "input" if of("name").is_none() => {}
            "input" => {
                let kind = of("type").unwrap_or_else(|| "text".to_owned());
                let is_box = kind == "checkbox" || kind == "radio";
                fields.push(Field {
                    name: of("name").unwrap_or_default(),
                    value: of("value").unwrap_or_default(),
                    is_sent: !is_box || has("checked"),
                    kind,
                });
            }
            "textarea" | "select" => fields.push(Field {
                name: of("name").expect("a field has a name"),
                kind: element.to_owned(),
                value: unescaped(text.trim()),
                is_sent: true,
            }),
            "option" => {
                let select = fields.last_mut().expect("an option is of a field");
                if select.value.is_empty() || has("selected") {
                    select.value = of("value").unwrap_or_default();
                }
            }
            _ => {}
        }
    }
    fields
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = format!(" {tag}");
    let (_, after) = tag.split_once(&format!(" {name}=\""))?;
    after.split('"').next().map(unescaped)
}

fn unescaped(text: &str) -> String {
    text.replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#38;", "&")
}
