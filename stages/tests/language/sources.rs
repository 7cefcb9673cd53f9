//! A pipeline has what the platform gives the source that it comes from, and nothing else.

use crate::{files, placed, registry};
use engine_core::{
    Pipeline, Plan,
    diagnostic::SourceFile,
    event::Trigger,
    pipeline::{Bindings, Missing},
    plan::Environments,
};
use std::collections::BTreeMap;

const PLATFORM: &str = "version: 1
clusters: {local: {}}
environments: {dev: {cluster: local}, prod: {cluster: local}, bank: {cluster: local}}
sources:
  - {git: \"https://git.example.com/shop/web.git\", applications: [web, \"web-*\"], environments: [dev, \"prod*\"]}
  - {git: \"https://git.example.com/bank/core.git\", applications: [core, \"*-core\"], environments: [\"*\"]}
";

/// What is said of a file of one of the sources.
fn told(environments: &Environments, text: &str) -> Vec<String> {
    let file = SourceFile::new(".gennaker/x.yaml", text.as_bytes());
    let bindings = Bindings {
        parameters: BTreeMap::new(),
        actor: "mo".to_owned(),
        trigger: Trigger::Manual,
        missing: Missing::Refused,
        origin: None,
    };
    let pipeline = Pipeline::read(&file, &registry()).bound(&bindings);
    let plan = Plan::compile(&pipeline, environments, &registry(), &files(&pipeline));
    let line = |offset| file.position(offset).line;
    let told = plan.err().unwrap_or_default();
    told.iter()
        .map(|it| {
            let help = it.help.clone().unwrap_or_default();
            format!("{} {}: {}; {help}", it.code, line(it.primary.span.start), it.message)
        })
        .collect()
}

fn deploy(name: &str, environment: &str) -> String {
    format!(
        "version: 1\nname: {name}\nstages:\n  a:\n    environment: {environment}\n    deploy: {{manifests: [k8s/]}}\n"
    )
}

#[test]
fn an_environment_that_is_not_given_to_a_repository_is_refused_and_so_is_anothers_application() {
    let shop = placed(PLATFORM).of_source(0);
    let bank = placed(PLATFORM).of_source(1);
    let gone = placed(PLATFORM).of_source(7);
    let nothing: [&str; 0] = [];
    assert_eq!(told(&shop, &deploy("web", "dev")), nothing);
    assert_eq!(told(&shop, &deploy("web-api", "prod")), nothing);
    assert_eq!(told(&bank, &deploy("core", "bank")), nothing);
    let web = "https://git.example.com/shop/web.git";
    let core = "https://git.example.com/bank/core.git";
    assert_eq!(
        told(&shop, &deploy("core", "bank")),
        [
            format!(
                "E019 2: application `core` is not this repository's; it belongs to {core}: name your own `application`"
            ),
            format!(
                "E019 5: environment `bank` is not granted to this repository; `sources` of gennaker.yaml says which environments {web} may use"
            ),
        ]
    );
    let applied = deploy("web", "dev").replace("stages:", "application: other\nstages:");
    assert_eq!(
        told(&shop, &applied),
        [
            "E019 3: application `other` is not this repository's; `sources` of gennaker.yaml says which `applications` are whose, and nobody has this one"
        ]
    );
    let both = told(&shop, &deploy("web-core", "dev"));
    assert_eq!(both.len(), 1, "{both:?}");
    assert!(both[0].contains(&format!("{web}, {core} claim it")), "{both:?}");
    assert!(told(&shop, &deploy("web", "prd"))[0].starts_with("E007 5: `prd` is no environment"));
    assert_eq!(told(&gone, &deploy("web", "dev")).len(), 2, "a source that is gone has nothing");
}

#[test]
fn what_is_deployed_elsewhere_is_read_only_where_a_repository_may_be() {
    let shop = placed(PLATFORM).of_source(0);
    let text = deploy("web", "dev").replace(
        "    environment: dev",
        "    when: has(deployed[\"bank\"].revision)\n    environment: dev",
    );
    let found = told(&shop, &text);
    assert!(found.len() == 1 && found[0].starts_with("E019 5: environment `bank`"), "{found:?}");
    assert!(told(&placed(PLATFORM), &text).is_empty(), "a file that a person starts is not one's");
}
