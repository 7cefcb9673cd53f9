//! What templates come to.

use super::*;
use serde_json::json;

fn scope() -> Scope {
    json!({"parameters": {"n": 3, "none": null, "list": [1]}}).as_object().unwrap().clone()
}

#[test]
fn a_lone_expression_keeps_its_type_and_others_become_text() {
    for (written, value) in [
        ("plain", json!("plain")),
        ("${{ parameters.n }}", json!(3)),
        ("${{ parameters.list }}", json!([1])),
        ("v${{ parameters.n }}", json!("v3")),
        ("$${{ x }}", json!("${{ x }}")),
        ("${{ 'a' + '${{ b }}' }}", json!("a${{ b }}")),
    ] {
        let bound = Template::text(written).unwrap().bind(&scope()).unwrap();
        assert_eq!(bound, value, "{written}");
    }
}

#[test]
fn null_lists_and_maps_have_no_place_within_a_text() {
    for written in ["v${{ parameters.none }}", "v${{ parameters.list }}", "v${{ {'a': 1} }}"] {
        assert!(Template::text(written).unwrap().bind(&scope()).is_err(), "{written}");
    }
}

#[test]
fn a_secret_stays_a_name_and_nothing_else_becomes_one() {
    let template = Template::text("Bearer ${{ secrets.TOKEN }}${{ parameters.n }}").unwrap();
    assert_eq!(template.preview(), json!("Bearer ${{ secrets.TOKEN }}${{ parameters.n }}"));
    let bound = template.bind(&scope()).unwrap();
    let parts = json!([{"text": "Bearer "}, {"secret": "TOKEN"}, {"text": "3"}]);
    assert_eq!(bound, json!({"$secretText": parts}));
    // Neither a value that looks like a secret nor text from a value becomes one.
    let forged = json!({"parameters": {"a": [{"$secretText": parts}], "b": "${{ secrets.B }}"}});
    let forged = forged.as_object().unwrap();
    let bind = |written: &str| Template::text(written).unwrap().bind(forged);
    assert!(matches!(bind("${{ parameters.a }}"), Err(BindError::Reserved(_))));
    assert_eq!(bind("${{ parameters.b }}").unwrap(), json!("${{ secrets.B }}"));
}

#[test]
fn what_is_known_early_is_put_in_and_the_rest_stays() {
    let text = |written: &str| Template::text(written).unwrap();
    let mut template = Template::List(vec![text("${{ parameters.n }}"), text("${{ stages.a }}")]);
    let ready = |source: &str| match source.starts_with("parameters") {
        true => Readiness::Now,
        false => Readiness::Later,
    };
    let mut failed = Vec::new();
    template.bind_early(&ready, &scope(), &mut failed);
    assert_eq!(template.preview(), json!([3, "${{ stages.a }}"]));
    assert_eq!((failed, template.is_literal()), (Vec::new(), false));
}
