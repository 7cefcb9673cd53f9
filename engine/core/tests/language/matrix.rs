//! A matrix: the nodes that it becomes, what they need, and what is refused.

use super::{compile, faults};
use engine_core::plan::{CellFailure, Plan};
use serde_json::json;

const TOP: &str = "version: 1\nname: shop\n";

fn plan(stages: &str) -> Plan {
    let (_, plan) = compile(format!("{TOP}{stages}").as_bytes());
    plan.unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn ids(plan: &Plan) -> Vec<&str> {
    plan.nodes().iter().map(|node| node.id.as_str()).collect()
}

#[test]
fn a_matrix_is_the_product_without_what_is_excluded_and_with_what_is_included() {
    let plan = plan(
        "parameters: {unit: {type: string, default: s}}\nstages:\n  a:\n    matrix: {axes: {region: [eu, us], size: [1, 2]}, exclude: [{region: us, size: 2}], include: [{region: ap, size: 9}], maxParallel: 2, failFast: false}\n    wait: {duration: \"${{ matrix.size }}0${{ parameters.unit }}\"}\n",
    );
    assert_eq!(ids(&plan), ["a[eu,1]", "a[eu,2]", "a[us,1]", "a[ap,9]"]);
    let last = &plan.nodes()[3];
    assert_eq!(last.config.preview(), json!({"duration": "90s"}));
    let cell = last.matrix.as_ref().unwrap();
    assert_eq!((cell.stage.as_str(), cell.max_parallel), ("a", Some(2)));
    assert_eq!(cell.on_failure, CellFailure::LeavesOthers);
}

#[test]
fn who_needs_a_matrix_needs_all_of_it_or_the_same_cell() {
    let plan = plan(
        "stages:\n  a: {matrix: {axes: {r: [p, q]}}, wait: {duration: 1s}}\n  b: {needs: [{stage: a, matrix: same}], matrix: {axes: {r: [q, p]}}, wait: {duration: 1s}}\n  c: {needs: [{stage: a, status: [failed]}], wait: {duration: 1s}}\n",
    );
    let needs = |id: &str| {
        let node = plan.nodes().iter().find(|node| node.id == id).unwrap();
        let needs = node.needs.iter().map(|need| (need.stage.clone(), need.of.clone()));
        needs.collect::<Vec<_>>()
    };
    assert_eq!(needs("b[p]"), [("a[p]".to_owned(), None)]);
    let of = Some("a".to_owned());
    assert_eq!(needs("c"), [("a[p]".to_owned(), of.clone()), ("a[q]".to_owned(), of)]);
}

/// What follows the name, and the faults of the whole.
const FILES: &[(&str, &[&str])] = &[
    (
        "stages:\n  a: {matrix: {axes: {r: [x]}}, wait: {duration: \"${{ matrix.q }}\"}}\n  b: {wait: {duration: \"${{ matrix.r }}\"}}\n",
        &[
            "E005 4:50 the matrix has no axis `q`",
            "E005 5:24 `matrix` is not known here: the stage has none",
        ],
    ),
    (
        "stages:\n  a: {matrix: {axes: {r: [x, x]}}, wait: {duration: 1s}}\n",
        &["E016 4:7 the matrix has `a[x]` twice"],
    ),
    (
        "stages:\n  a: {matrix: {axes: {r: [x], s: z}}, wait: {duration: 1s}}\n",
        &["E016 4:31 axis `s` must be a list"],
    ),
    (
        "stages:\n  a: {matrix: {axes: {r: [\"[]\"]}}, wait: {duration: 1s}}\n",
        &[
            "E016 4:23 a value of axis `r` must be a number, a boolean, or a text of 1 to 63 characters without brackets and commas",
        ],
    ),
    (
        "stages:\n  a: {matrix: {axes: {r: [x]}, exclude: [{q: x}], include: [{}]}, wait: {duration: 1s}}\n",
        &["E016 4:7 a cell of `include` names every axis", "E016 4:7 the matrix has no axis `q`"],
    ),
    (
        "stages:\n  a: {matrix: {axes: {r: [x]}, exclude: [{r: x}]}, wait: {duration: 1s}}\n",
        &["E016 4:7 the matrix has no cell left"],
    ),
    (
        "stages:\n  a: {matrix: {axes: {r: [x]}}, wait: {duration: 1s}}\n  b: {needs: [{stage: a, matrix: same}], wait: {duration: 1s}}\n",
        &["E016 5:23 `a` has no node with the values of `b`"],
    ),
    // A fault of the stage is told once, not for each of its cells.
    (
        "stages:\n  a: {matrix: {axes: {r: [p, q]}}, deploy: {manifests: [k8s]}}\n",
        &["E016 4:36 stage `a[p]` lacks `environment`"],
    ),
];

#[test]
fn every_fault_of_a_matrix_is_told_with_its_place() {
    for (text, expected) in FILES {
        assert_eq!(faults(&format!("{TOP}{text}")), *expected, "{text}");
    }
}

#[test]
fn a_matrix_has_at_most_256_cells() {
    let axis: Vec<String> = (0..17).map(|at| format!("v{at}")).collect();
    let axis = axis.join(", ");
    let text = format!(
        "{TOP}stages: {{a: {{matrix: {{axes: {{r: [{axis}], s: [{axis}]}}}}, wait: {{duration: 1s}}}}}}"
    );
    assert_eq!(faults(&text), ["E016 3:14 the matrix has more than 256 cells"]);
}
