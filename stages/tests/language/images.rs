//! Image references of a whole pipeline: which deploy uses which, and who reads them.

use crate::{plan, told};
use serde_json::{Value, json};

const TOP: &str = "version: 1\nname: shop\n";

fn config(text: &str, stage: &str) -> Value {
    let (_, plan, _) = plan(&format!("{TOP}{text}"));
    let plan = plan.unwrap_or_else(|told| panic!("{told:#?}"));
    let node = plan.nodes().iter().find(|node| node.id == stage);
    node.map(|node| node.config.preview()).unwrap_or_default()
}

fn faults(text: &str) -> Vec<String> {
    let (file, told) = told(&format!("{TOP}{text}"));
    let line = |it: &engine_core::diagnostic::Diagnostic| {
        let at = file.position(it.primary.span.start);
        format!("{} {}:{} {}", it.code, at.line, at.column, it.message)
    };
    told.iter().map(line).collect()
}

const SHARED: &str = "parameters: {tag: {type: string, default: v7}}
images:
  registry.example.com/shop/web: \"registry.example.com/shop/web:${{ parameters.tag }}\"
  worker: \"registry.example.com/shop/worker:v7\"
stages:
  web: {environment: a, deploy: {manifests: [k8s/]}}
  both: {environment: b, deploy: {manifests: [k8s/, worker/], images: {web: \"mirror/web:v1\"}}}
  told: {setVariables: {web: \"${{ images['registry.example.com/shop/web'] }}\", worker: \"${{ images.worker }}\"}}
";

#[test]
fn each_deploy_uses_those_images_of_the_pipeline_that_it_has_and_its_own_win() {
    let web = "registry.example.com/shop/web:v7";
    let worker = "registry.example.com/shop/worker:v7";
    let expected = json!({"registry.example.com/shop/web": web});
    assert_eq!(config(SHARED, "web")["images"], expected);
    assert_eq!(config(SHARED, "both")["images"], json!({"web": "mirror/web:v1", "worker": worker}));
    assert_eq!(config(SHARED, "told"), json!({"web": web, "worker": worker}));
}

#[test]
fn the_plan_keeps_them_for_what_is_evaluated_later() {
    let (_, plan, _) = plan(&format!("{TOP}{SHARED}"));
    let plan = plan.unwrap();
    assert_eq!(plan.document().images["worker"], json!("registry.example.com/shop/worker:v7"));
}

#[test]
fn an_image_that_nothing_uses_or_reads_is_told_and_so_is_one_that_is_not_there() {
    let deploy = "stages: {a: {environment: a, deploy: {manifests: [k8s/]}}}\n";
    assert_eq!(
        faults(&format!("images: {{website: \"web:v7\"}}\n{deploy}")),
        ["E017 3:10 `website` matches no image of any deploy"]
    );
    assert_eq!(
        faults(&format!("images: {{web: \"Web::\"}}\n{deploy}")),
        [
            "E016 3:15 `Web::` is not an image reference: `:` is not a tag: up to 128 letters, digits, `_`, `.`, `-`, beginning with none of the last two"
        ]
    );
    let reads = "images: {migrate: \"shop/migrate:v7\"}\nstages: {a: {setVariables: {a: \"${{ images.migrat }}\", b: \"${{ images.migrate }}\"}}}\n";
    assert_eq!(faults(reads), ["E005 4:32 there is no image `migrat`"]);
}

#[test]
fn an_image_is_made_of_what_is_known_before_all_others() {
    for (reference, told) in [
        ("${{ stages.a.outputs.image }}", "`stages` is not known when a run starts"),
        ("${{ images.web }}", "`images` is not known when a run starts"),
        ("${{ matrix.region }}", "`matrix` is not known when a run starts"),
        ("${{ [1] }}", "image `web` must come to a text"),
    ] {
        let text = format!(
            "images: {{web: \"{reference}\"}}\nstages: {{a: {{environment: a, deploy: {{manifests: [k8s/]}}}}}}\n"
        );
        assert!(faults(&text).iter().any(|fault| fault.ends_with(told)), "{:?}", faults(&text));
    }
}
