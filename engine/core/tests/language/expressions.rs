//! Parameters and expressions: what is refused, and what is put in its place at the start.

use super::{compile_with, faults};
use engine_core::{
    diagnostic::SourceFile,
    event::Trigger,
    pipeline::{Bindings, Given, Missing},
    plan::Plan,
};
use serde_json::json;
use std::collections::BTreeMap;

const TOP: &str = "version: 1\nname: shop\n";

/// What follows the name, and the faults of the whole.
const FILES: &[(&str, &[&str])] = &[
    // E004 and the declarations
    (
        "parameters:\n  a: {type: string, default: 5}\n  b: {type: choice}\n  c: {type: number, options: [x]}\nstages: {w: {wait: {duration: 5s}}}\n",
        &[
            "E016 4:3 the default of `a` does not fit: 5 is no text",
            "E016 5:3 choice `b` lacks `options`",
            "E016 6:3 `c` takes no `options`",
        ],
    ),
    (
        "parameters:\n  a: {type: string, required: true, default: x}\n  b: {type: string, pattern: \"(\"}\n  c: {}\n  d: {type: text}\nstages: {w: {wait: {duration: 5s}}}\n",
        &[
            "E016 4:3 `a` is required and has a default",
            "E008 5:3 `pattern` of `b` is refused: it is no regular expression: error: unclosed group",
            "E016 6:3 `c` lacks `type`",
            "E016 7:13 `type` cannot be `text`",
        ],
    ),
    // E005: names, fields, kinds
    (
        "parameters: {size: {type: number}}\nstages:\n  w: {when: parameters.siez > 1, wait: {duration: \"${{ size }}\"}}\n",
        &["E005 5:13 there is no parameter `siez`", "E005 5:51 `size` is not known here"],
    ),
    (
        "stages:\n  w: {when: \"1 +\", wait: {duration: \"${{ run.nmber }}\"}}\n",
        &[
            "E005 4:13 the expression does not compile: it ends too early",
            "E005 4:37 there is no field `nmber`",
        ],
    ),
    (
        "stages:\n  w: {when: \"'yes'\", wait: {duration: \"5${{ 's' }}\"}}\n",
        &["E005 4:13 the condition is text, not true or false"],
    ),
    (
        "stages:\n  w: {when: \"${{ true }}\", wait: {duration: 5s}}\n",
        &["E005 4:13 `when` is an expression by itself"],
    ),
    // E005: functions and kinds that can never work
    (
        "parameters: {tag: {type: string}, size: {type: number}, on-call: {type: boolean}}\nstages:\n  w: {when: parameters.tag == 7, wait: {duration: \"${{ sizes(parameters.tag) }}\"}}\n  x: {when: 'parameters.size && parameters[\"on-call\"]', wait: {duration: \"${{ parameters.tag + parameters.size }}\"}}\n  z: {when: parameters.tag, wait: {duration: \"${{ parameters.tag.trim() }}\"}}\n",
        &[
            "E005 5:13 text and a number are never equal",
            "E005 5:51 there is no function `sizes`",
            "E005 6:13 `&&` takes true or false, and a number stands there",
            "E005 6:74 text and a number cannot be added",
            "E005 7:13 the condition is text, not true or false",
            "E005 7:46 there is no function `trim`",
        ],
    ),
    (
        "stages:\n  a: {matrix: {axes: {size: [1, 2]}}, when: matrix.size == 'x', wait: {duration: 5s}}\n  w: {needs: [a], when: stages.a.status == 1 || run.number == 'x', wait: {duration: 5s}}\n",
        &[
            "E005 4:45 a number and text are never equal",
            "E005 5:25 text and a number are never equal",
        ],
    ),
    // E005: secrets
    (
        "stages:\n  w: {when: secrets.TOKEN == 'x', wait: {duration: \"${{ secrets.TOKEN }}\"}}\n",
        &[
            "E005 4:13 a secret stands alone in its braces and has no place in an expression",
            "E005 4:52 no secret may stand in `duration`",
        ],
    ),
    (
        "stages:\n  w: {wait: {duration: \"${{ secrets.token + 's' }}\"}}\n",
        &["E005 4:24 a secret stands alone in its braces and has no place in an expression"],
    ),
    // E006 and ids with a dash
    (
        "stages:\n  go: {wait: {duration: 5s}}\n  go-live: {wait: {duration: 5s}}\n  w: {needs: [go, go-live], when: stages.go-live.status == 'failed', wait: {duration: 5s}}\n",
        &["E005 6:35 `live` is not known here"],
    ),
    (
        "stages:\n  go-live: {wait: {duration: 5s}}\n  w: {when: stages.go-live.status == 'failed', wait: {duration: 5s}}\n",
        &["E005 5:13 there is no stage `go`"],
    ),
    (
        "stages:\n  a: {wait: {duration: 5s}}\n  w: {when: stages.a.status == 'failed', wait: {duration: 5s}}\n",
        &["E006 5:13 stage `a` is not upstream of `w`"],
    ),
    (
        "stages:\n  a: {wait: {duration: 5s}}\n  b: {needs: [a], wait: {duration: 5s}}\n  w: {needs: [b], when: stages.a.status == 'failed', wait: {duration: \"${{ stages.a.output }}\"}}\n",
        &["E005 6:71 there is no field `output`"],
    ),
    // what must be known at the start
    (
        "stages:\n  a: {wait: {duration: 5s}}\n  w: {needs: [a], environment: \"${{ stages.a.outputs.x }}\", deploy: {manifests: [k8s]}}\n",
        &["E005 5:32 `stages` is not known when a run starts"],
    ),
    (
        "stages:\n  w: {environment: x, deploy: {manifests: [\"k8s/${{ run.number }}\"]}}\n",
        &["E005 4:44 what is read must be known when the run starts"],
    ),
    // what is deployed, and what succeeded last
    (
        "stages:\n  w: {when: 'has(deployed[\"x\"].revision) && deployed.x.revision > 1 && lastSucceeded.parameters.a == 1', wait: {duration: 5s}}\n",
        &[],
    ),
    (
        "stages:\n  w: {when: 'deployed[run.id].revision > 1', wait: {duration: \"${{ deployed.x.commit }}\"}}\n",
        &[
            "E005 4:13 which environment is meant must be written out",
            "E005 4:63 there is no field `commit`",
        ],
    ),
    (
        "stages:\n  w: {when: 'deployed[\"No Name\"].revision > 1', wait: {duration: \"${{ deployed[\\\"-\\\"].images.x }}\"}}\n",
        &["E007 4:13 `No Name` is no environment", "E007 4:66 `-` is no environment"],
    ),
    (
        "stages:\n  w: {when: 'deployed.x.revision == \"1\" || lastSucceeded.number == \"1\"', wait: {duration: 5s}}\n  x: {when: lastSucceeded.status == 1, environment: \"${{ lastSucceeded.id }}\", deploy: {manifests: [k8s]}}\n",
        &[
            "E005 4:13 a number and text are never equal",
            "E005 5:13 there is no field `status`",
            "E005 5:53 `lastSucceeded` is not known when a run starts",
        ],
    ),
    // where an expression may not stand
    (
        "description: \"${{ parameters.a }}\"\nstages:\n  w: {environment: x, deploy: {manifests: [k8s], replicas: \"1${{ 2 }}\"}}\n",
        &[
            "E005 3:14 `description` is the same in every run: no `${{ }}` here",
            "E005 5:60 `replicas` is no text: it cannot be put together",
        ],
    ),
];

#[test]
fn every_broken_expression_is_told_with_its_place() {
    for (text, expected) in FILES {
        assert_eq!(faults(&format!("{TOP}{text}")), *expected, "{text}");
    }
}

#[test]
fn a_fault_beside_an_expression_hides_none_of_its_own() {
    let text =
        format!("{TOP}stages:\n  w: {{wait: {{duraton: 5s, duration: \"${{{{ nothing }}}}\"}}}}\n");
    assert_eq!(
        faults(&text),
        ["E001 4:14 unknown key `duraton`", "E005 4:37 `nothing` is not known here"]
    );
}

#[test]
fn a_file_of_thousands_of_expressions_is_one_fault() {
    let stages: String = (0..600)
        .map(|n| format!("  s{n}: {{when: nothing, wait: {{duration: \"${{{{ nothing }}}}\"}}}}\n"))
        .collect();
    assert_eq!(
        faults(&format!("{TOP}stages:\n{stages}")),
        ["E015 1:1 1,200 expressions, at most 1,000 may be"]
    );
}

fn plan(text: &str, given: &[(&str, &str)], missing: Missing) -> Result<Plan, Vec<String>> {
    let file = SourceFile::new("p.yaml", format!("{TOP}{text}").as_bytes());
    let given =
        given.iter().map(|(id, text)| ((*id).to_owned(), Given::Written((*text).to_owned())));
    let (parameters, actor) = (given.collect::<BTreeMap<_, _>>(), "mo".to_owned());
    let bindings = Bindings { parameters, actor, trigger: Trigger::Manual, missing, origin: None };
    let (_, plan) = compile_with(file, &bindings);
    plan.map_err(|faults| {
        faults.iter().map(|fault| format!("{} {}", fault.code, fault.message)).collect()
    })
}

const BOUND: &str = "parameters:
  region: {type: choice, options: [eu, us], default: eu}
  tag: {type: string, required: true, pattern: \"v[0-9]+\"}
  size: {type: number, default: 2}
  extra: {type: list, default: []}
labels: {team: web}
stages:
  a: {wait: {duration: 5s}}
  w:
    needs: [a]
    when: parameters.size > 1
    environment: \"shop-${{ parameters.region }}\"
    deploy:
      manifests: [\"k8${{ 's' }}\"]
      images: {shop: \"web:${{ parameters.tag }}\"}
      history: \"${{ stages.a.outputs.history }}\"
      replicas: \"${{ parameters.size }}\"
";

#[test]
fn what_is_known_at_the_start_is_in_the_plan_and_the_rest_stays_an_expression() {
    let plan = plan(BOUND, &[("tag", "v7")], Missing::Refused).unwrap();
    let node = plan.nodes().iter().find(|node| node.id == "w").unwrap();
    assert_eq!(node.environment.as_deref(), Some("shop-eu"));
    assert_eq!(node.when.as_deref(), Some("parameters.size > 1"));
    assert_eq!(node.reads.iter().collect::<Vec<_>>(), ["a"]);
    let config = node.config.preview();
    assert_eq!(config["manifests"], json!(["k8s"]));
    assert_eq!(config["images"], json!({"shop": "web:v7"}));
    assert_eq!(config["history"], json!("${{ stages.a.outputs.history }}"));
    assert_eq!(node.files.len(), 2, "an open value hides no file");
    assert_eq!(config["replicas"], json!(2));
    let open: Vec<&str> = node.config.expressions().iter().map(|it| it.source).collect();
    assert_eq!(open, ["stages.a.outputs.history"]);
    let parameters = json!({"region": "eu", "tag": "v7", "size": 2, "extra": []});
    assert_eq!(json!(plan.document().parameters), parameters);
}

#[test]
fn values_are_read_as_their_type_and_what_does_not_fit_is_refused() {
    let start = |given: &[(&str, &str)]| {
        let given = [&[("tag", "v7")], given].concat();
        plan(BOUND, &given, Missing::Refused)
            .map(|plan| json!(plan.document().parameters).to_string())
    };
    let with = |given: &[(&str, &str)]| start(given).unwrap();
    assert!(with(&[("size", "1.5")]).contains("\"size\":1.5"));
    assert!(with(&[("extra", "a,b")]).contains("\"extra\":[\"a\",\"b\"]"));
    for (given, told) in [
        (("size", "many"), "E016 parameter `size`: `many` is no number"),
        (("region", "asia"), "E016 parameter `region`: `asia` is none of eu, us"),
        (("tag", "7"), "E016 parameter `tag`: `7` does not match `v[0-9]+`"),
        (("tga", "v7"), "E016 there is no parameter `tga`"),
    ] {
        assert!(start(&[given]).unwrap_err().contains(&told.to_owned()), "{given:?}");
    }
}

#[test]
fn an_environment_that_is_only_looked_at_is_pinned_and_nobody_acts_there() {
    let text =
        "stages:\n  w: {when: 'has(deployed[\"shop-eu\"].revision)', wait: {duration: 5s}}\n";
    let plan = plan(text, &[], Missing::Refused).unwrap();
    let document = plan.document();
    assert_eq!(document.observed.keys().collect::<Vec<_>>(), ["shop-eu"]);
    assert_eq!((document.environments.len(), plan.places().count()), (0, 1));
}

#[test]
fn a_required_parameter_is_asked_for_at_the_start_and_not_by_a_look() {
    let missing = plan(BOUND, &[], Missing::Refused).unwrap_err();
    let expected = [
        "E004 required parameter `tag` has no value",
        "W108 no expression reads parameter `extra`",
    ];
    assert_eq!(missing, expected);
    let looked = plan(BOUND, &[], Missing::Tolerated).unwrap();
    let config = looked.nodes().iter().find(|node| node.id == "w").unwrap().config.preview();
    assert_eq!(config["images"]["shop"], json!("web:${{ parameters.tag }}"));
}
