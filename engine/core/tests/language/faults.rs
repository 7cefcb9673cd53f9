//! Every fault with its code, its place and its sentence.

use super::faults;

const TOP: &str = "version: 1\nname: shop\n";

/// What follows `stages:\n  a:`, and the faults of the whole.
const STAGES: &[(&str, &[&str])] = &[
    (
        " {needs: [b], wait: {duration: 5s}}\n  b: {needs: [a], wait: {duration: 5s}}\n  c: {needs: [c, a], wait: {duration: 5s}}",
        &[
            "E003 4:15 stages need each other in a ring: `a` → `b` → `a`",
            "E003 6:15 stage `c` needs itself",
        ],
    ),
    (" {wait: {duration: 5s}}", &[]),
    // E001
    (" {wait: {duration: 5s}, tiemout: 5m}", &["E001 4:29 unknown key `tiemout`"]),
    (
        " {wait: {durration: 5s}}",
        &["E016 4:7 `wait` lacks `duration`", "E001 4:14 unknown key `durration`"],
    ),
    (" {canary: {}}", &["E001 4:7 unknown key `canary`"]),
    // E002, E003
    (" {needs: [b], wait: {duration: 5s}}", &["E002 4:15 stage `a` needs unknown stage `b`"]),
    (" {needs: [a], wait: {duration: 5s}}", &["E003 4:15 stage `a` needs itself"]),
    (" {needs: [{stage: a}], wait: {duration: 5s}}", &["E003 4:23 stage `a` needs itself"]),
    (
        " {needs: [c], wait: {duration: 5s}}\n  b: {needs: [a], wait: {duration: 5s}}\n  c: {needs: [b], wait: {duration: 5s}}",
        &["E003 4:15 stages need each other in a ring: `a` → `c` → `b` → `a`"],
    ),
    (
        " {wait: {duration: 5s}}\n  b: {needs: [a, a], wait: {duration: 5s}}",
        &["E016 5:18 stage `b` needs `a` twice"],
    ),
    // E008
    (" {wait: {duration: 5}}", &["E008 4:24 `duration` lacks a unit"]),
    (" {wait: {duration: 1h30m}}", &["E008 4:24 `duration`: `1h30m` is not a duration"]),
    // E013
    (" {wait: {duration: 5s, duration: 6s}}", &["E013 4:28 the key `duration` stands twice"]),
    // E014
    (" {name: x}", &["E014 4:3 stage `a` does nothing"]),
    (
        " {wait: {duration: 5s}, environment: x,\n     deploy: {manifests: [k8s]}}",
        &["E014 5:6 stage `a` has several actions: `wait` (line 4) and `deploy` (line 5)"],
    ),
    // E016: wrong kinds, words and ranges
    ("", &["E016 4:3 `a` has no value"]),
    (" [x]", &["E016 4:6 `a` must be a map, not a list"]),
    (" {wait: 5s}", &["E016 4:13 `wait` must be a map, not text"]),
    (" {wait: {duration: 5s}, needs: b}", &["E016 4:36 `needs` must be a list, not text"]),
    (" {wait: {duration: 5s}, name: 1.10}", &["E016 4:35 `name` must be text, not a number"]),
    (
        " {wait: {duration: 5s}, name: no}",
        &["E016 4:35 `no` is a boolean in YAML 1.1 and text in YAML 1.2"],
    ),
    (
        " {wait: {duration: 5s}, name: 0644}",
        &["E016 4:35 `0644` is not the same number in YAML 1.1 and YAML 1.2"],
    ),
    (
        " {wait: {duration: 5s}, name: 1:30}",
        &["E016 4:35 `1:30` is not the same number in YAML 1.1 and YAML 1.2"],
    ),
    (
        " {wait: {duration: 5s}, name: !!str 5}",
        &["E016 4:35 tags such as `!!str` are not part of the language"],
    ),
    (" {wait: {duration: 5s}, name: ~}", &["E016 4:35 `name` has no value"]),
    (
        " {wait: {duration: 5s}, name: \"${{ x }}\"}",
        &["E005 4:35 `name` is the same in every run: no `${{ }}` here"],
    ),
    (
        " {wait: {duration: 5s}, name: \"$${{ x }}\"}",
        &["E005 4:35 `name` is the same in every run: no `${{ }}` here"],
    ),
    (" {wait: {duration: 5s}, onFailure: retry}", &["E016 4:40 `onFailure` cannot be `retry`"]),
    (" {wait: {duration: 5s}, timeout: 0s}", &["E016 4:38 `timeout` must be longer than nothing"]),
    (" {wait: {duration: 5s}, retry: {}}", &["E016 4:29 `retry` lacks `limit`"]),
    (" {wait: {duration: 5s}, retry: {limit: 101}}", &["E016 4:44 `limit` must be at most 100"]),
    (" {wait: {duration: 5s}, retry: {limit: 1.5}}", &["E016 4:44 `limit` must be a whole number"]),
    (" {wait: {duration: 5s}, retry: {limit: -1}}", &["E016 4:44 `limit` must be at least 0"]),
    (
        " {wait: {duration: 5s}, retry: {limit: 1, causes: []}}",
        &["E016 4:47 `causes` is an empty list"],
    ),
    (
        " {wait: {duration: 5s}, retry: {limit: 1, causes: [defect]}}",
        &["E016 4:56 an item of `causes` cannot be `defect`"],
    ),
    (
        " {wait: {duration: 5s}, retry: {limit: 1, backoff: {max: 5s}}}",
        &["E016 4:62 `max` of `backoff` is shorter than `initial`"],
    ),
    (
        " {wait: {duration: 5s}}\n  B: {wait: {duration: 5s}}",
        &["E016 5:3 a stage's id cannot be `B`"],
    ),
    (
        " {wait: {duration: 5s}}\n  on: {wait: {duration: 5s}}",
        &["E016 5:3 the key `on` must be text"],
    ),
    (" {wait: {duration: 5s}}\n  [x]: {wait: {duration: 5s}}", &["E016 5:3 a key must be text"]),
    (
        " {wait: {duration: 5s}}\n  b: {needs: [{stage: a, status: []}], wait: {duration: 5s}}",
        &["E016 5:26 `status` is an empty list"],
    ),
    (
        " {wait: {duration: 5s}}\n  b: {needs: [{stage: a, status: [skiped]}], wait: {duration: 5s}}",
        &["E016 5:35 an item of `status` cannot be `skiped`"],
    ),
    (" {wait: {duration: 5s}}\n  b: {needs: [{stage: a, status: any}], wait: {duration: 5s}}", &[]),
];

/// What follows `deploy:` of the only stage.
const DEPLOYS: &[(&str, &[&str])] = &[
    ("{manifests: [k8s]}", &[]),
    ("{manifests: []}", &["E016 4:35 `manifests` is an empty list"]),
    ("{manifests: [5]}", &["E016 4:47 an item of `manifests` must be text, not a number"]),
    (
        "{manifests: [k8s], history: 4294967296}",
        &["E016 4:62 `history` must be at most 4294967295"],
    ),
    (
        "{manifests: [k8s], strategy: {canary: {weight: x}}}",
        &["E016 4:81 `weight` must be a number, not text"],
    ),
    ("{manifests: k8s}", &["E016 4:46 `manifests` must be a list, not text"]),
    ("{manifests: [k8x]}", &["E011 4:47 nothing to read at `k8x`"]),
    ("{manifests: [k8s], images: {shop: x, shpo: x}}", &["E017 4:71 `shpo` matches no image"]),
    ("{manifests: [k8s], images: {on: x}}", &["E016 4:62 the key `on` must be text"]),
    ("{manifests: [k8s], images: {shop: 1.10}}", &["E016 4:68 `shop` must be text, not a number"]),
    ("{manifests: [k8s], replicas: 256}", &["E016 4:63 `replicas` must be at most 255"]),
    ("{manifests: [k8s], component: A}", &["E016 4:64 `component` cannot be `A`"]),
    ("{manifests: [k8s], ready: true}", &[]),
    (
        "{manifests: [k8s], ready: yes}",
        &["E016 4:60 `yes` is a boolean in YAML 1.1 and text in YAML 1.2"],
    ),
    ("{manifests: [k8s], ready: {stableFor: 5s}}", &[]),
    ("{manifests: [k8s], ready: {stableFor: 5}}", &["E008 4:72 `stableFor` lacks a unit"]),
    ("{manifests: [k8s], ready: {}}", &["E016 4:53 `ready` lacks `stableFor`"]),
    (
        "{manifests: [k8s], ready: 5}",
        &["E016 4:60 `ready` must be `true` or `false` or a map, not a number"],
    ),
    ("{manifests: [k8s], strategy: recreate}", &[]),
    ("{manifests: [k8s], strategy: {blueGreen: {autoPromote: true}}}", &[]),
    (
        "{manifests: [k8s], strategy: {blueGreen: {}}}",
        &["E016 4:64 `blueGreen` lacks `autoPromote`"],
    ),
    (
        "{manifests: [k8s], strategy: {blueGren: {}}}",
        &["E016 4:53 `strategy` lacks `blueGreen`", "E001 4:64 unknown key `blueGren`"],
    ),
    ("{manifests: [k8s], strategy: rollling}", &["E016 4:63 `strategy` cannot be `rollling`"]),
];

/// Whole files.
const CALLERS: &[(&str, &[&str])] = &[
    ("[payments, bank-2]", &[]),
    ("[]", &["E016 3:1 `callers` is an empty list"]),
    ("payments", &["E016 3:10 `callers` must be a list, not text"]),
    ("[Payments]", &["E016 3:11 an item of `callers` cannot be `Payments`"]),
    (
        "[\"${{ parameters.who }}\"]",
        &["E005 3:11 an item of `callers` is the same in every run: no `${{ }}` here"],
    ),
];

const FILES: &[(&str, &[&str])] = &[
    (
        "\u{feff}version: 1\nname: x\nstages: {}\nnamed: x",
        &["E016 3:1 `stages` is empty", "E001 4:1 unknown key `named`"],
    ),
    ("version: 1\nname: x\0", &["E015 2:8 the file holds a NUL character"]),
    ("", &["E016 1:1 the file is empty"]),
    ("# nothing\n", &["E016 1:1 the file is empty"]),
    ("~", &["E016 1:1 the file has no value"]),
    ("hello", &["E016 1:1 the file must be a map, not text"]),
    ("[]", &["E016 1:1 the file must be a map, not a list"]),
    ("{}", &["E016 1:1 the file lacks `version` and `name` and `stages`"]),
    (
        "version: 2\nname: x\nstages: {}",
        &["E016 1:10 `version` cannot be `2`", "E016 3:1 `stages` is empty"],
    ),
    (
        "version: '1'\nname: x_y\nx-any: {a: 1}\nstages: {a: {wait: {duration: 5s}}}",
        &["E016 1:10 `version` must be a number, not text", "E016 2:7 `name` cannot be `x_y`"],
    ),
    (
        "version: 1\nname: x\nname: y\nstages: {a: {wait: {duration: 5s}}}",
        &["E013 3:1 the key `name` stands twice"],
    ),
    (
        "version: 1\nname: x\n---\nversion: 1\n",
        &["E016 1:1 the file lacks `stages`", "E015 3:1 the file holds several YAML documents"],
    ),
    (
        "version: 1\r\nname: x\r\ntimeout: 5\r\nstages: {a: {wait: {duration: 5s}}}\r\n",
        &["E008 3:10 `timeout` lacks a unit"],
    ),
    (
        "\u{feff}versio: 1\nname: x\nstages: {a: {wait: {duration: 5s}}}",
        &["E001 1:1 unknown key `versio`", "E016 1:1 the file lacks `version`"],
    ),
    (
        "version: 1\nname: \"ü\" # é\nstages: {ü: {wait: {duration: 5s}}, é: 1}",
        &[
            "E016 2:7 `name` cannot be `ü`",
            "E016 3:10 a stage's id cannot be `ü`",
            "E016 3:37 a stage's id cannot be `é`",
            "E016 3:40 `é` must be a map, not a number",
        ],
    ),
];

/// Every line of the table that does not hold is shown.
fn hold(table: &[(&str, &[&str])], file: impl Fn(&str) -> String) {
    let mut wrong = String::new();
    for (text, expected) in table {
        let told = faults(&file(text));
        if told != *expected {
            wrong.push_str(&format!("{text}\n  told     {told:?}\n  expected {expected:?}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_fault_of_a_stage_is_told_with_its_place() {
    hold(STAGES, |stage| format!("{TOP}stages:\n  a:{stage}\n"));
}

#[test]
fn every_fault_of_an_action_is_told_with_its_place() {
    hold(DEPLOYS, |config| format!("{TOP}stages:\n  a: {{environment: prod, deploy: {config}}}\n"));
}

#[test]
fn every_fault_of_a_file_is_told_with_its_place() {
    hold(FILES, str::to_owned);
}

#[test]
fn callers_are_names_that_stand_there() {
    let file = |callers: &str| {
        format!("{TOP}callers: {callers}\nstages:\n  a: {{wait: {{duration: 5s}}}}\n")
    };
    hold(CALLERS, file);
}

#[test]
fn a_stage_that_deploys_names_a_namespace() {
    let stage = |rest: &str| format!("{TOP}stages:\n  a: {{{rest}deploy: {{manifests: [k8s]}}}}\n");
    assert_eq!(faults(&stage("")), ["E016 4:7 stage `a` lacks `environment`"]);
    assert_eq!(faults(&stage("environment: Prod_EU, ")), ["E016 4:20 `Prod_EU` is no environment"]);
}

#[test]
fn an_environment_is_a_name_that_kubernetes_takes() {
    for name in ["a_b", "a-", "-a", "A", "é"] {
        let text =
            format!("{TOP}stages:\n  a: {{environment: {name}, deploy: {{manifests: [k8s]}}}}\n");
        assert_eq!(faults(&text), [format!("E016 4:20 `{name}` is no environment")]);
    }
}

#[test]
fn two_deploys_of_one_component_to_one_environment_are_a_fault() {
    let text = format!(
        "{TOP}stages:\n  a: {{environment: x, deploy: {{manifests: [k8s]}}}}\n  \
         b: {{environment: x, deploy: {{manifests: [k8s], component: main}}}}\n  \
         c: {{environment: z, deploy: {{manifests: [k8s]}}}}\n  \
         d: {{environment: x, deploy: {{manifests: [k8s], component: web}}}}\n"
    );
    assert_eq!(faults(&text), ["E018 5:23 stages `a` and `b` deploy component `main` to `x`"]);
}

#[test]
fn all_faults_of_a_file_come_at_once_in_its_order() {
    let text = "version: 1\nname: Shop\ncolour: red\nstages:\n\
        \x20 a: {wait: {duration: 5}, needs: [z]}\n\
        \x20 b: {environment: x, deploy: {manifests: [nowhere], images: {db: x}}}\n\
        \x20 b: {}\n\
        \x20 c: {needs: [d], wait: {duration: 5s}, timeout: soon}\n\
        \x20 d: {needs: [c, 5], wait: {duration: \"${{ x }}\"}}\n\
        \x20 e: {}\n";
    let expected = [
        "E016 2:7 `name` cannot be `Shop`",
        "E001 3:1 unknown key `colour`",
        "E008 5:24 `duration` lacks a unit",
        "E002 5:36 stage `a` needs unknown stage `z`",
        "E011 6:44 nothing to read at `nowhere`",
        "E017 6:63 `db` matches no image",
        "E013 7:3 the key `b` stands twice",
        "E003 8:15 stages need each other in a ring: `c` → `d` → `c`",
        "E008 8:50 `timeout`: `soon` is not a duration",
        "E016 9:18 an item of `needs` must be text or a map, not a number",
        "E005 9:39 `x` is not known here",
        "E014 10:3 stage `e` does nothing",
    ];
    assert_eq!(faults(text), expected);
}
