//! What `job` says.

use engine_core::{
    files::{FileRequest, Step},
    stage::{Fault, FaultCode, SecretText},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Number, Value, json};
use std::collections::BTreeMap;

/// The container of a Job that is said here; a manifest's have their own names.
const CONTAINER: &str = "main";

/// Runs a program once, as a Kubernetes Job, and waits for its end. What it prints is kept; a JSON
/// object in its termination message becomes the stage's outputs.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
#[schemars(example = json!({"image": "registry.example.com/shop/migrate:v7"}))]
pub struct Config {
    /// A file with one Job, instead of `image` and what goes with it.
    #[schemars(example = &"k8s/migrate.yaml")]
    pub(super) manifest: Option<String>,
    /// The image of the program.
    #[schemars(example = &"registry.example.com/shop/migrate:v7")]
    pub(super) image: Option<String>,
    /// Instead of the image's entry point.
    #[schemars(length(min = 1), example = ["migrate", "--all"])]
    pub(super) command: Option<Vec<String>>,
    /// What the program is given.
    #[schemars(example = ["--to", "${{ application.name }}"])]
    pub(super) args: Option<Vec<String>>,
    /// The program's environment, by name. `${{ secrets.NAME }}` may stand in its texts.
    #[schemars(example = json!({"LEVEL": "info"}))]
    pub(super) env: BTreeMap<String, Variable>,
    /// What the program asks of its node, and may use of it.
    #[schemars(example = json!({"limits": {"memory": "256Mi"}}))]
    pub(super) resources: Option<Resources>,
    /// The account that the program has in the cluster [default: `default`].
    #[schemars(example = &"migrator")]
    pub(super) service_account: Option<String>,
}

/// The value of an environment variable, or where the cluster has it.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Variable {
    Text(SecretText),
    Number(Number),
    Flag(bool),
    From(Source),
}

/// One of the two.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Source {
    /// A key of a Secret in the environment's namespace.
    #[serde(default)]
    #[schemars(example = json!({"name": "database", "key": "password"}))]
    secret_key_ref: Option<KeyRef>,
    /// A key of a ConfigMap in the environment's namespace.
    #[serde(default)]
    #[schemars(example = json!({"name": "settings", "key": "level"}))]
    config_map_key_ref: Option<KeyRef>,
}

/// One entry of an object.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct KeyRef {
    /// What the object is called.
    #[schemars(example = &"settings")]
    name: String,
    /// The key of the entry.
    #[schemars(example = &"level")]
    key: String,
}

/// Quantities as Kubernetes writes them: `{requests: {cpu: 100m, memory: 64Mi}}`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct Resources {
    /// What a node must have for it.
    #[schemars(example = json!({"cpu": "100m", "memory": "64Mi"}))]
    requests: BTreeMap<String, Quantity>,
    /// What it may use at most.
    #[schemars(example = json!({"memory": "256Mi"}))]
    limits: BTreeMap<String, Quantity>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Quantity {
    Text(String),
    Number(Number),
}

impl Config {
    pub(super) fn files(&self) -> Vec<FileRequest> {
        let request =
            |pattern: &String| FileRequest { place: at("manifest"), pattern: pattern.clone() };
        self.manifest.iter().map(request).collect()
    }

    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        match (&self.manifest, &self.image) {
            (Some(_), None) => faults.extend(self.beside_a_manifest()),
            (None, Some(image)) if image.trim().is_empty() => {
                faults.push(fault(at("image"), "`image` is empty".to_owned(), None));
            }
            (None, Some(_)) => {}
            (Some(_), Some(_)) => {
                let message = "`job` takes `manifest` or `image`, not both".to_owned();
                faults.push(fault(at("image"), message, None));
            }
            (None, None) => {
                let help = "name the program's `image`, or a `manifest` with one Job";
                let message = "this job has nothing to run".to_owned();
                faults.push(fault(Vec::new(), message, Some(help)));
            }
        }
        faults.extend(self.env.iter().filter_map(|(name, variable)| {
            let message = variable_fault(name, variable)?;
            let place = vec![Step::Key("env".to_owned()), Step::Key(name.clone())];
            Some(fault(place, message, None))
        }));
        faults
    }

    /// What a manifest says for itself.
    fn beside_a_manifest(&self) -> Vec<Fault> {
        let said = [
            ("command", self.command.is_some()),
            ("args", self.args.is_some()),
            ("env", !self.env.is_empty()),
            ("resources", self.resources.is_some()),
            ("serviceAccount", self.service_account.is_some()),
        ];
        let said = said.into_iter().filter(|(_, is_said)| *is_said);
        let told = said.map(|(key, _)| {
            let message = format!("`{key}` does not go with `manifest`");
            fault(at(key), message, Some("say it in the manifest"))
        });
        told.collect()
    }

    /// The variables with secrets, whose names are the keys of the Job's own Secret.
    pub(super) fn secrets(&self) -> impl Iterator<Item = (&str, &SecretText)> {
        self.env.iter().filter_map(|(name, variable)| match variable {
            Variable::Text(text) if text.plain().is_none() => Some((name.as_str(), text)),
            Variable::Text(_) | Variable::Number(_) | Variable::Flag(_) | Variable::From(_) => None,
        })
    }

    /// The Job of a program that is said here, without what every Job of ours has. It is not started
    /// before `secret`, the Secret that it has its secrets from, is there.
    pub(super) fn job(&self, secret: &str) -> Value {
        let mut container = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            container.extend(value.map(|value| (key.to_owned(), value)));
        };
        put("name", Some(json!(CONTAINER)));
        put("image", self.image.as_ref().map(|image| json!(image)));
        put("command", self.command.as_ref().map(|command| json!(command)));
        put("args", self.args.as_ref().map(|args| json!(args)));
        put("resources", self.resources.as_ref().map(Resources::value));
        let env: Vec<Value> = self.env.iter().map(|(name, it)| it.value(name, secret)).collect();
        put("env", (!env.is_empty()).then_some(Value::Array(env)));
        // A program that fails without a message says the end of its log.
        put("terminationMessagePolicy", Some(json!("FallbackToLogsOnError")));
        let mut pod = json!({ "containers": [container] });
        if let Some(account) = &self.service_account {
            pod["serviceAccountName"] = json!(account);
        }
        let mut spec = json!({"template": {"spec": pod}});
        if self.secrets().next().is_some() {
            spec["suspend"] = json!(true);
        }
        json!({"apiVersion": "batch/v1", "kind": "Job", "spec": spec})
    }
}

impl Variable {
    fn value(&self, name: &str, secret: &str) -> Value {
        match self {
            Variable::Text(text) => match text.plain() {
                Some(text) => json!({"name": name, "value": text}),
                None => {
                    let key = json!({"name": secret, "key": name});
                    json!({"name": name, "valueFrom": {"secretKeyRef": key}})
                }
            },
            Variable::Number(number) => json!({"name": name, "value": number.to_string()}),
            Variable::Flag(flag) => json!({"name": name, "value": flag.to_string()}),
            Variable::From(source) => json!({"name": name, "valueFrom": source.value()}),
        }
    }
}

impl Source {
    fn value(&self) -> Value {
        let mut from = Map::new();
        let key = |KeyRef { name, key }: &KeyRef| json!({"name": name, "key": key});
        from.extend(self.secret_key_ref.as_ref().map(|it| ("secretKeyRef".to_owned(), key(it))));
        let map = self.config_map_key_ref.as_ref();
        from.extend(map.map(|it| ("configMapKeyRef".to_owned(), key(it))));
        Value::Object(from)
    }
}

impl Resources {
    fn value(&self) -> Value {
        let of = |quantities: &BTreeMap<String, Quantity>| {
            let written = quantities.iter().map(|(name, quantity)| {
                let text = match quantity {
                    Quantity::Text(text) => text.clone(),
                    Quantity::Number(number) => number.to_string(),
                };
                (name.clone(), Value::String(text))
            });
            Value::Object(written.collect())
        };
        json!({"requests": of(&self.requests), "limits": of(&self.limits)})
    }
}

fn variable_fault(name: &str, variable: &Variable) -> Option<String> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Some(format!("`{name}` is no name of a variable"));
    }
    match variable {
        Variable::Text(text) if text.plain().is_none() => {
            let is_key = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            let message =
                "the name of a variable with a secret has letters, digits, `-`, `_` and `.`";
            (!name.bytes().all(is_key)).then(|| message.to_owned())
        }
        Variable::Text(_) | Variable::Number(_) | Variable::Flag(_) => None,
        Variable::From(Source { secret_key_ref, config_map_key_ref }) => {
            let is_one = secret_key_ref.is_some() != config_map_key_ref.is_some();
            (!is_one).then(|| "give either `secretKeyRef` or `configMapKeyRef`".to_owned())
        }
    }
}

pub(super) fn at(key: &str) -> Vec<Step> {
    vec![Step::Key(key.to_owned())]
}

fn fault(place: Vec<Step>, message: String, help: Option<&str>) -> Fault {
    Fault { code: FaultCode::Value, place, message, help: help.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(value: Value) -> Config {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_job_has_one_program_said_in_one_way() {
        for (value, expected) in [
            (json!({"image": "a"}), vec![]),
            (json!({"manifest": "job.yaml"}), vec![]),
            (json!({}), vec!["this job has nothing to run"]),
            (json!({"image": " "}), vec!["`image` is empty"]),
            (
                json!({"image": "a", "manifest": "b"}),
                vec!["`job` takes `manifest` or `image`, not both"],
            ),
            (
                json!({"manifest": "b", "args": ["x"], "env": {"A": "1"}}),
                vec!["`args` does not go with `manifest`", "`env` does not go with `manifest`"],
            ),
            (
                json!({"image": "a", "env": {"A": {}, "B=": 1}}),
                vec![
                    "give either `secretKeyRef` or `configMapKeyRef`",
                    "`B=` is no name of a variable",
                ],
            ),
        ] {
            let faults = config(value.clone()).faults();
            let told: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
            assert_eq!(told, expected, "{value}");
        }
    }

    #[test]
    fn secrets_come_from_the_jobs_own_secret_and_keep_it_from_starting() {
        let text = json!({"$secretText": [{"text": "Bearer "}, {"secret": "TOKEN"}]});
        let config = config(json!({"image": "a", "env": {"AUTH": text, "PLAIN": "x"}}));
        let names: Vec<&str> = config.secrets().map(|(name, _)| name).collect();
        assert_eq!(names, ["AUTH"]);
        let job = config.job("jobs-run-1");
        assert_eq!(job["spec"]["suspend"], true);
        let env = &job["spec"]["template"]["spec"]["containers"][0]["env"];
        let from = json!({"secretKeyRef": {"name": "jobs-run-1", "key": "AUTH"}});
        assert_eq!(env[0], json!({"name": "AUTH", "valueFrom": from}));
        assert!(!job.to_string().contains("TOKEN"));
    }

    #[test]
    fn what_is_said_becomes_a_pod() {
        let job = config(json!({
            "image": "shop/migrate:7", "args": ["up"], "serviceAccount": "migrator",
            "env": {"A": "x", "B": 2, "C": true,
                    "D": {"secretKeyRef": {"name": "db", "key": "url"}}},
            "resources": {"limits": {"cpu": 1, "memory": "64Mi"}},
        }))
        .job("s");
        let pod = &job["spec"]["template"]["spec"];
        assert_eq!(pod["serviceAccountName"], "migrator");
        let container = &pod["containers"][0];
        assert_eq!(container["args"], json!(["up"]));
        assert_eq!(container.get("command"), None);
        assert_eq!(container["resources"]["limits"], json!({"cpu": "1", "memory": "64Mi"}));
        let from = json!({"secretKeyRef": {"name": "db", "key": "url"}});
        let env = json!([
            {"name": "A", "value": "x"}, {"name": "B", "value": "2"},
            {"name": "C", "value": "true"}, {"name": "D", "valueFrom": from},
        ]);
        assert_eq!(container["env"], env);
    }
}
