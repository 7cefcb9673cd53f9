//! The published schema: it describes every key, and its examples are right.

use crate::{registry, told};
use engine_core::{
    diagnostic::{Code, Severity},
    language::published_schema,
};
use serde_json::{Map, Value, json};

pub(crate) struct Published {
    pub(crate) root: Value,
}

impl Published {
    pub(crate) fn new() -> Published {
        Published { root: published_schema(&registry()) }
    }

    pub(crate) fn definitions(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.root["definitions"].as_object().into_iter().flatten()
    }

    fn definition(&self, name: &str) -> &Value {
        &self.root["definitions"][name]
    }

    /// What a map must have to be right by itself.
    fn least(&self, schema: &Value) -> Map<String, Value> {
        if let Some(Value::Object(example)) = schema["examples"].get(0) {
            return example.clone();
        }
        let required = schema["required"].as_array().into_iter().flatten();
        let example = |key: &Value| {
            let key = key.as_str()?;
            Some((key.to_owned(), schema["properties"][key]["examples"].get(0)?.clone()))
        };
        required.filter_map(example).collect()
    }

    /// The smallest value of a stage type that says something and is right.
    pub(crate) fn action(&self, stage_type: &str) -> Value {
        let schema = self.definition(stage_type);
        if let Some(example) = schema["examples"].get(0) {
            return example.clone();
        }
        let least = self.least(schema);
        let properties = schema["properties"].as_object().into_iter().flatten();
        let with = properties.filter_map(|(key, property)| {
            let mut with = least.clone();
            with.insert(key.clone(), property["examples"].get(0)?.clone());
            Some(Value::Object(with))
        });
        let all = std::iter::once(Value::Object(least.clone())).filter(|it| *it != json!({}));
        let is_right = |value: &Value| {
            let stage = json!({"environment": "staging", stage_type: value});
            let file = json!({"version": 1, "name": "a", "stages": {"first": {"wait": {"duration": "1s"}}, "a": stage}});
            errors(&file).is_empty()
        };
        all.chain(with).find(is_right).unwrap_or_else(|| panic!("{stage_type} has no example"))
    }

    /// A value of `schema` in which `inner` stands as a value of the definition `wanted`.
    fn around(
        &self,
        schema: &Value,
        (wanted, inner): (&str, &Value),
        layers: usize,
    ) -> Option<Value> {
        let layers = layers.checked_sub(1)?;
        let go_on = |schema: &Value| self.around(schema, (wanted, inner), layers);
        if let Some(name) =
            schema["$ref"].as_str().map(|it| it.trim_start_matches("#/definitions/"))
        {
            return match name {
                _ if name == wanted => Some(inner.clone()),
                // It holds nothing but itself.
                "Anything" => None,
                _ => go_on(self.definition(name)),
            };
        }
        let unions = ["allOf", "anyOf", "oneOf"].iter().filter_map(|it| schema[*it].as_array());
        if let Some(found) = unions.flatten().find_map(go_on) {
            return Some(found);
        }
        if let Some(found) = schema.get("items").and_then(go_on) {
            return Some(json!([found]));
        }
        let properties = schema["properties"].as_object().into_iter().flatten();
        let found = properties.filter_map(|(key, schema)| Some((key, go_on(schema)?))).next();
        if let Some((key, found)) = found {
            let mut map = self.least(schema);
            map.insert(key.clone(), found);
            return Some(Value::Object(map));
        }
        let found = schema.get("additionalProperties").and_then(go_on)?;
        Some(json!({ "soak": found }))
    }

    /// A file in which `value` stands as a value of the definition `name`.
    fn file(&self, name: &str, value: Value) -> Value {
        let mut file = match name {
            "" => value,
            _ => self
                .around(&self.root, (name, &value), 30)
                .unwrap_or_else(|| panic!("{name} is used nowhere")),
        };
        for (key, value) in [("version", json!(1)), ("name", json!("shop"))] {
            if file.get(key).is_none() {
                file[key] = value;
            }
        }
        let first = json!({"environment": "first", "deploy": {"manifests": ["k8s/"]}});
        file["stages"]["first"] = first;
        for (id, stage) in file["stages"].as_object_mut().into_iter().flatten() {
            let acts = registry().stages.names().any(|name| stage.get(name).is_some());
            if !acts {
                stage["wait"] = json!({"duration": "1m"});
            }
            if stage.get("environment").is_none() && id != "first" {
                stage["environment"] = json!("staging");
            }
        }
        file
    }
}

fn errors(file: &Value) -> Vec<String> {
    let (_, told) = told(&file.to_string());
    let errors = told.iter().filter(|it| it.severity == Severity::Error);
    // Nobody gives values here.
    let errors = errors.filter(|it| it.code != Code::E004);
    errors.map(|it| format!("{} {}", it.code, it.message)).collect()
}

/// What stands beside a key in its example.
fn companions(definition: &str, key: &str) -> Option<Value> {
    match (definition, key) {
        ("Parameter", "options") => Some(json!({"type": "choice"})),
        ("job", "manifest") => Some(json!({})),
        ("Trigger", "when" | "parameters" | "enabled") => Some(json!({"git": {"events": ["tag"]}})),
        ("GitTrigger", "tags") => Some(json!({"events": ["tag"]})),
        _ => None,
    }
}

#[test]
fn every_key_is_described_and_has_an_example() {
    let published = Published::new();
    let root = ("", &published.root);
    let definitions = published.definitions().map(|(name, schema)| (name.as_str(), schema));
    for (name, schema) in std::iter::once(root).chain(definitions) {
        for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
            let known = registry();
            let is_action = known.stages.get(key).is_some() || known.triggers.get(key).is_some();
            let description = schema.get("description").and_then(Value::as_str);
            assert!(is_action || description.is_some(), "{name}.{key}: say `/// …` what it is");
            let example = schema["examples"].get(0);
            assert!(
                is_action || example.is_some(),
                "{name}.{key}: show one, `#[schemars(example = …)]`"
            );
        }
    }
}

#[test]
fn every_example_is_taken_by_the_program_and_by_the_schema() {
    let published = Published::new();
    let validator = jsonschema::draft7::new(&published.root).unwrap();
    let root = ("", &published.root);
    let definitions = published.definitions().map(|(name, schema)| (name.as_str(), schema));
    let mut shown = 0;
    for (name, schema) in std::iter::once(root).chain(definitions) {
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            for example in property["examples"].as_array().into_iter().flatten() {
                let least = || Value::Object(published.least(schema));
                let mut value = companions(name, key).unwrap_or_else(least);
                value[key] = example.clone();
                let mut file = published.file(name, value);
                if (name, key.as_str()) == ("DetailedNeed", "matrix") {
                    let matrix = json!({"axes": {"region": ["eu", "us"]}});
                    for id in ["first", "soak"] {
                        file["stages"][id]["matrix"] = matrix.clone();
                    }
                    file["stages"]["first"]["environment"] = json!("first-${{ matrix.region }}");
                }
                if (name, key.as_str()) == ("Trigger", "parameters") {
                    file["parameters"] = json!({"version": {"type": "string"}});
                }
                assert_eq!(errors(&file), Vec::<String>::new(), "{name}.{key}: {file:#}");
                let faults: Vec<String> =
                    validator.iter_errors(&file).map(|fault| fault.to_string()).collect();
                assert_eq!(faults, Vec::<String>::new(), "{name}.{key}: {file:#}");
                shown += 1;
            }
        }
    }
    println!("{shown} examples");
    assert!(shown > 60);
}
