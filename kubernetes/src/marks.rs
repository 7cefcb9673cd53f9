//! The labels and annotations by which our objects are known. They stand on an object's own
//! metadata only, never in pod templates or selectors: marking anew restarts nothing.

use serde_json::{Map, Value};
use std::fmt;

const APPLICATION: &str = "gennaker.dev/application";
const ENVIRONMENT: &str = "gennaker.dev/environment";
const COMPONENT: &str = "gennaker.dev/component";
const RUN: &str = "gennaker.dev/run";
const STAGE: &str = "gennaker.dev/stage";
const ATTEMPT: &str = "gennaker.dev/attempt";
const EPOCH: &str = "gennaker.dev/epoch";
const PRUNE: &str = "gennaker.dev/prune";

/// Whose an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub application: String,
    pub environment: String,
    pub component: String,
}

/// Who wrote it last. The first three name one effect for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    pub run: String,
    pub stage: String,
    pub attempt: u32,
    pub epoch: u64,
}

/// Everything that is put on an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks {
    pub owner: Owner,
    pub writer: Writer,
}

/// Whose a live object is, by its labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// It carries none of our labels.
    Unmarked,
    Ours,
    Other(Owner),
}

impl Marks {
    /// Puts the marks on an object that is to be applied.
    pub(crate) fn put_on(&self, object: &mut Value) {
        let Owner { application, environment, component } = &self.owner;
        let labels =
            [(APPLICATION, application), (ENVIRONMENT, environment), (COMPONENT, component)];
        put(object, "labels", labels.map(|(key, value)| (key, value.clone())));
        let Writer { run, stage, attempt, epoch } = &self.writer;
        let annotations = [
            (RUN, run.clone()),
            (STAGE, stage.clone()),
            (ATTEMPT, attempt.to_string()),
            (EPOCH, epoch.to_string()),
        ];
        put(object, "annotations", annotations);
    }

    /// Whose `live` is.
    pub(crate) fn ownership(&self, live: &Value) -> Ownership {
        let label = |key| text(live, "labels", key);
        let (application, environment, component) =
            (label(APPLICATION), label(ENVIRONMENT), label(COMPONENT));
        if application.or(environment).or(component).is_none() {
            return Ownership::Unmarked;
        }
        let owned = |found: Option<&str>| found.unwrap_or_default().to_owned();
        let found = Owner {
            application: owned(application),
            environment: owned(environment),
            component: owned(component),
        };
        if found == self.owner { Ownership::Ours } else { Ownership::Other(found) }
    }
}

impl Writer {
    /// Whether this very attempt has written `live` already.
    pub(crate) fn wrote(&self, live: &Value) -> bool {
        let annotation = |key| text(live, "annotations", key);
        annotation(RUN) == Some(&self.run)
            && annotation(STAGE) == Some(&self.stage)
            && annotation(ATTEMPT) == Some(&*self.attempt.to_string())
    }
}

/// Whether somebody asked that the object be left where it is.
pub(crate) fn is_kept(live: &Value) -> bool {
    text(live, "annotations", PRUNE) == Some("false")
}

fn text<'a>(object: &'a Value, map: &str, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get(map)?.get(key)?.as_str()
}

fn put<const N: usize>(object: &mut Value, map: &str, entries: [(&str, String); N]) {
    let metadata = child(object, "metadata");
    if let Some(map) = metadata.and_then(|metadata| child(metadata, map)) {
        for (key, value) in entries {
            map[key] = Value::String(value);
        }
    }
}

/// The map under `key`, made if there is none; nothing where `object` is no map.
fn child<'a>(object: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    let entry = object.as_object_mut()?.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if entry.is_null() {
        *entry = Value::Object(Map::new());
    }
    entry.is_object().then_some(entry)
}

impl fmt::Display for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Owner { application, environment, component } = self;
        write!(
            formatter,
            "application `{application}`, environment `{environment}`, component `{component}`"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn marks() -> Marks {
        let owned = str::to_owned;
        Marks {
            owner: Owner {
                application: owned("shop"),
                environment: owned("prod"),
                component: owned("main"),
            },
            writer: Writer { run: owned("r1"), stage: owned("deploy"), attempt: 2, epoch: 7 },
        }
    }

    #[test]
    fn marks_stand_on_metadata_beside_what_the_author_wrote_and_nowhere_else() {
        let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": {}});
        let mut object = json!({"kind": "Deployment", "metadata": {"name": "web", "labels": {"a": "b"}},
                                "spec": {"template": template.clone()}});
        marks().put_on(&mut object);
        assert_eq!(object["spec"]["template"], template);
        assert_eq!(object["metadata"]["labels"]["a"], "b");
        assert_eq!(object["metadata"]["labels"][COMPONENT], "main");
        assert_eq!(object["metadata"]["annotations"][ATTEMPT], "2");
    }

    #[test]
    fn an_attempt_knows_its_own_writes_whatever_the_epoch() {
        let mut object = json!({"metadata": {"name": "web"}});
        marks().put_on(&mut object);
        let mine = marks().writer;
        assert!(Writer { epoch: 8, ..mine.clone() }.wrote(&object));
        for other in [
            Writer { run: "r2".to_owned(), ..mine.clone() },
            Writer { stage: "again".to_owned(), ..mine.clone() },
            Writer { attempt: 3, ..mine.clone() },
        ] {
            assert!(!other.wrote(&object), "{other:?}");
        }
        assert!(!mine.wrote(&json!({"metadata": {}})));
    }

    #[test]
    fn an_object_of_another_application_environment_or_component_is_not_ours() {
        let mut object = json!({"metadata": {"name": "web"}});
        assert_eq!(marks().ownership(&object), Ownership::Unmarked);
        marks().put_on(&mut object);
        assert_eq!(marks().ownership(&object), Ownership::Ours);
        for (label, at) in [(APPLICATION, "bank"), (ENVIRONMENT, "dev"), (COMPONENT, "api")] {
            let mut other = object.clone();
            other["metadata"]["labels"][label] = json!(at);
            assert!(matches!(marks().ownership(&other), Ownership::Other(_)), "{label}");
        }
    }
}
