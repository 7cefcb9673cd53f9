//! What expressions may be, what they read, and that no source gets past the limits.

use super::{Piece, Use, evaluate, look, pieces, told};
use serde_json::{Map, Value, json};

fn scope() -> Map<String, Value> {
    let scope = json!({
        "parameters": {"version": "1.2", "count": 3, "ratio": 0.5, "regions": ["eu", "us"]},
        "stages": {"go-live": {"status": "succeeded", "outputs": {"by": "mo"}}},
    });
    scope.as_object().unwrap().clone()
}

#[test]
fn values_keep_their_types() {
    for (source, value) in [
        ("parameters.version", json!("1.2")),
        ("parameters.count + 1", json!(4)),
        ("parameters.ratio * 2.0", json!(1.0)),
        ("parameters.count == 3", json!(true)),
        ("parameters.regions.exists(r, r == 'us')", json!(true)),
        ("parameters.regions.map(r, r + '-1')", json!(["eu-1", "us-1"])),
        ("stages[\"go-live\"].outputs", json!({"by": "mo"})),
        ("has(parameters.other) ? parameters.other : 'none'", json!("none")),
        ("{'a': {'b': 1}}", json!({"a": {"b": 1}})),
        ("parameters.version.matches('^1[.]')", json!(true)),
    ] {
        assert_eq!(evaluate(source, &scope()).unwrap(), value, "{source}");
    }
}

#[test]
fn what_has_no_value_is_an_error_that_says_why() {
    for (source, words) in [
        ("parameters.other", "there is no `other`"),
        ("parameters.count / 0", "zero"),
        ("9223372036854775807 + parameters.count", "verflow"),
        ("unknown", "not known here"),
        ("parameters.version + 1", "add"),
        ("parameters.regions[7]", "bounds"),
    ] {
        let error = evaluate(source, &scope()).unwrap_err().to_string();
        assert!(
            error.contains(words) && error.contains("cannot be evaluated"),
            "{source}: {error}"
        );
    }
}

#[test]
fn reads_are_what_is_written_out() {
    let reads = |source| {
        let looked = look(source, Use::Value).unwrap();
        looked.reads.iter().map(super::Read::written).collect::<Vec<_>>()
    };
    for (source, expected) in [
        ("1 + 2", vec![]),
        ("a.b + a.b", vec!["a.b"]),
        ("stages['go-live'].outputs.by", vec!["stages[\"go-live\"].outputs.by"]),
        ("l.items.all(x, x.ok && y.z)", vec!["l.items", "y.z"]),
        ("has(a.b.c) ? f[a.i] : 0", vec!["a.b.c", "a.i", "f"]),
        ("a.b.startsWith(c)", vec!["a.b", "c"]),
    ] {
        assert_eq!(reads(source), expected, "{source}");
    }
}

#[test]
fn what_was_looked_at_is_told() {
    assert_eq!(
        told("parameters.count > 5 && parameters.other", &scope()),
        "parameters.count is 3, parameters.other is not there"
    );
}

#[test]
fn a_condition_that_cannot_be_true_or_false_is_refused() {
    for source in ["1", "'yes'", "[true]", "{'a': true}", "parameters.count + 1", "-1", "null"] {
        assert!(look(source, Use::Condition).is_err(), "{source}");
        assert!(look(source, Use::Value).is_ok(), "{source}");
    }
    assert!(look("[1].map(x, x + 1)[0] == 2", Use::Condition).is_err());
    assert!(look("[1].filter(x, x > 0).size() == 1", Use::Condition).is_ok());
}

#[test]
fn text_is_taken_apart_at_its_expressions() {
    let text = |text: &str| Piece::Text(text.to_owned());
    let expression = |source: &str| Piece::Expression(source.to_owned());
    for (written, expected) in [
        ("", vec![text("")]),
        ("plain $ {{ }}", vec![text("plain $ {{ }}")]),
        ("${{ a }}", vec![expression("a")]),
        (
            "v${{a}}-${{ b }}!",
            vec![text("v"), expression("a"), text("-"), expression("b"), text("!")],
        ),
        ("$${{ a }}", vec![text("${{ a }}")]),
        ("${{ '}}' + {'a': {}}['a'] }}", vec![expression("'}}' + {'a': {}}['a']")]),
        ("${{ 'it\\'s }}' }}", vec![expression("'it\\'s }}'")]),
    ] {
        assert_eq!(pieces(written).unwrap(), expected, "{written}");
    }
    assert!(pieces("${{ a }").is_err() && pieces("x ${{ 'a }} ").is_err());
}

#[test]
fn sources_beyond_the_limits_are_refused_and_none_aborts() {
    let deep = |open: &str, close: &str, times| open.repeat(times) + "1" + &close.repeat(times);
    let bombs = [
        "1+".repeat(511) + "1",
        deep("(", ")", 500),
        deep("[", "]", 500),
        deep("!(", ")", 300),
        deep("-(", ")", 300),
        "a.".repeat(500) + "b",
        "a?b:".repeat(200) + "c",
        deep("{1:", "}", 200),
        "[0].map(a, [0].map(b, [0].map(c, 0)))".to_owned(),
        "[0].all(a, [0].all(b, [0].all(c, true)))".to_owned(),
        "[1].map(x, x + 1).map(x, x + 1)".to_owned(),
        "x".repeat(1_025),
        " ".to_owned(),
    ];
    for bomb in bombs {
        assert!(look(&bomb, Use::Value).is_err(), "{bomb}");
    }
}

#[test]
fn what_would_cost_too_much_is_refused_before_it_runs() {
    let text = "x".repeat(16 * 1024);
    let numbers: Vec<u64> = (0..1_000).collect();
    let scope = json!({"t": text, "l": numbers, "long": "x".repeat(20_000)});
    let scope = scope.as_object().unwrap();
    let grown = format!("l.map(x, {})", vec!["t"; 60].join("+"));
    for bomb in [
        "l.all(a, l.all(b, a + b >= 0))",
        "l.map(x, l.filter(y, y > x))",
        grown.as_str(),
        "(l+l+l).filter(x, x > 0)",
        "l.all(x, t.matches(t))",
        "l.all(x, t.matches('(a{900}){9}'))",
        "long == ''",
        "[t,t,t]",
    ] {
        assert!(evaluate(bomb, scope).is_err(), "{bomb}");
    }
    assert_eq!(evaluate("l.all(x, x >= 0)", scope).unwrap(), json!(true));
    assert_eq!(evaluate("l.filter(x, x > 997).size()", scope).unwrap(), json!(2));
}

#[test]
fn every_function_of_the_reference_works_as_its_example_says() {
    for function in super::FUNCTIONS {
        let (source, value) = function.example;
        let value: Value = serde_json::from_str(value).unwrap();
        look(source, Use::Value).unwrap_or_else(|fault| panic!("{source}: {fault}"));
        assert_eq!(evaluate(source, &scope()), Ok(value), "{source}");
    }
}

/// Over a text `version`, a number `count`, a boolean `strict` and a list `regions`.
const NEVER: &[(&str, &str)] = &[
    ("now() > 1", "there is no function `now`"),
    ("p.version.startWith('v')", "there is no function `startWith`"),
    ("p.version.startsWith('v', 'w')", "`startsWith` takes 1 argument, not 2"),
    ("startsWith(p.version, 'v')", "there is no function `startsWith`"),
    ("size() == 1", "`size` takes 1 argument, not 0"),
    ("p.count.startsWith('v')", "`startsWith` does not work with a number"),
    ("size(p.count) > 1", "`size` does not work with a number"),
    ("p.version == 7", "text and a number are never equal"),
    ("p.strict == 'true'", "true or false and text are never equal"),
    ("p.version > 7", "text and a number are neither more nor less"),
    ("p.regions > 1", "lists, maps and null are neither more nor less than others"),
    ("p.version + 7 == 'v7'", "text and a number cannot be added"),
    ("p.strict + 1 > 0", "`+` adds numbers, and joins texts and lists"),
    ("p.version * 2 > 1", "`*` takes numbers, and text stands there"),
    ("-p.version > 1", "`-` takes numbers, and text stands there"),
    ("p.strict && p.version", "`&&` takes true or false, and text stands there"),
    ("!p.count", "`!` takes true or false, and a number stands there"),
    ("p.count ? true : false", "`?` takes true or false, and a number stands there"),
    ("'v' in p.version", "`in` looks into lists and maps, not into text"),
    ("p.regions['eu'] == 1", "a list has no `eu`"),
    ("p.regions[p.version] == 1", "a list is read by number, not by text"),
    ("p.version.length == 1", "text has no `length`"),
    ("p.count[0] == 1", "a number has no elements to read"),
    ("p.version.all(x, x == 'v')", "text has no elements to go through"),
    ("p.regions.all(x, size(p.count) > x)", "`size` does not work with a number"),
    ("p.regions.exists(x, p.count)", "`||` takes true or false, and a number stands there"),
    ("p.version", "the condition is text, not true or false"),
    ("p.strict ? p.count : p.count", "the condition is a number, not true or false"),
    ("Thing{a: 1}", "there is no type `Thing`"),
];

#[test]
fn what_can_never_work_is_told_without_values() {
    let known = |path: &[String]| match path.last().unwrap().as_str() {
        "version" => super::Kind::Text,
        "count" => super::Kind::Number,
        "strict" => super::Kind::Boolean,
        "regions" => super::Kind::List,
        _ => super::Kind::Any,
    };
    let told = |source| super::look_over(source, Use::Condition, &known).unwrap_err().message;
    for (source, words) in NEVER {
        assert_eq!(told(source), *words, "{source}");
    }
    for source in [
        "p.version == 'v7' && p.count > 1 && p.strict",
        "p.regions.exists(r, r == 'eu') || p.other",
        "p.other == 1 || p.other == 'x'",
        "p.other.a.b[0] + 1 > p.count",
        "p.regions.exists_one(r, r.startsWith(p.version))",
        "p.regions.filter(r, r != 'eu').size() > 0",
        "p.version != null && string(p.count) == p.version",
        "has(p.version) ? p.strict : p.other",
        "timestamp(p.version) - timestamp(p.version) < duration('1h')",
        "{'a': 1}['a'] == p.count && 1 in {1: 2}",
        "p.regions.map(r, r).size() == 1 || true",
    ] {
        let fault = super::look_over(source, Use::Condition, &known).err();
        let is_map = |it: &super::SourceFault| it.message.starts_with("`map` has no place");
        assert!(fault.as_ref().is_none_or(is_map), "{source}: {fault:?}");
    }
}

#[test]
fn what_would_fill_memory_or_take_long_is_refused_before_it_runs() {
    let list: Vec<String> = (0..900).map(|n| format!("a{n}")).collect();
    let scope = json!({"l": list, "t": "a".repeat(16_000)});
    let scope = scope.as_object().unwrap();
    let joined = vec!["l"; 60].join(" + ");
    for (source, words) in [
        (joined.as_str(), "join lists"),
        ("l.map(x, l)", "`map` would build"),
        ("t.matches(t)", "not written out"),
        ("t.matches('[\\\\p{L}\\\\p{N}]{1,500}')", "is refused"),
    ] {
        let refused = match look(source, Use::Value) {
            Err(fault) => fault.to_string(),
            Ok(_) => evaluate(source, scope).unwrap_err().to_string(),
        };
        assert!(refused.contains(words), "{source}: {refused}");
    }
    for source in ["l + l", "l.map(x, x + '-1')", "t.matches('^a+$')"] {
        look(source, Use::Value).unwrap();
        evaluate(source, scope).unwrap();
    }
}
