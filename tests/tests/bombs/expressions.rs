//! Expressions: sources that are hard to parse, values that are much to go through, and many of them.

use super::{Bomb, WAIT, judge, listed, stages};

/// A pipeline in which a condition and a text hold the source, over values that somebody gives.
fn over(source: &str) -> String {
    let condition = serde_json::to_string(source).unwrap();
    let text = serde_json::to_string(&format!("${{{{ {source} }}}}")).unwrap();
    format!(
        "version: 1\nname: cel\nparameters: {{l: {{type: list, default: []}}, t: {{type: string, default: \"\"}}}}\n\
         stages:\n  a: {{when: {condition}, {WAIT}}}\n  b: {{setVariables: {{x: {text}}}}}\n",
    )
}

/// Hard to parse, or larger than they may be.
fn sources() -> Vec<String> {
    let chain = |part: &str, by: &str, count: usize| vec![part; count].join(by);
    vec![
        "(".repeat(1_000),
        "((((((((((".repeat(90),
        "!".repeat(1_000) + "true",
        "-".repeat(1_000) + "1",
        "[".repeat(1_000),
        "{".repeat(1_000),
        "[".repeat(500) + &"]".repeat(500),
        "a.".repeat(500) + "b",
        "a[".repeat(330) + "0" + &"]".repeat(330),
        "\"".repeat(1_001),
        "x".repeat(1_024),
        "x".repeat(400_000),
        "9".repeat(1_000),
        "0x".to_owned() + &"f".repeat(1_000),
        "1e".to_owned() + &"9".repeat(300),
        "r'".to_owned() + &"\\".repeat(900) + "'",
        chain("1", " + ", 250),
        chain("true", " && ", 120),
        chain("true", " || ", 120),
        chain("parameters.t", " + ", 60),
        chain("parameters.l", " + ", 60),
        chain("true ? true : false", " && ", 40),
        "true ? ".repeat(120) + "true" + &" : true".repeat(120),
        "duration('9223372036854775807h') > duration('1s')".to_owned(),
        "timestamp('9999-12-31T23:59:59Z') + duration('99999999h') > timestamp('0001-01-01T00:00:00Z')".to_owned(),
        "9223372036854775807 + 9223372036854775807 > 0".to_owned(),
        "-9223372036854775808 / -1 > 0".to_owned(),
        "1 / 0 > 0 || 1 % 0 > 0".to_owned(),
        "[1, 2, 3][9223372036854775807] == 1".to_owned(),
        "{'a': {'a': {'a': {'a': {'a': {'a': {'a': {'a': 1}}}}}}}} == {'b': 1}".to_owned(),
    ]
}

/// Much to go through.
const LOOPS: [&str; 26] = [
    "parameters.l.map(x, parameters.l.map(y, [x, y]))",
    "parameters.l.map(x, parameters.l)",
    "parameters.l.map(x, x + x + x + x + x + x + x + x)",
    "parameters.l.map(x, parameters.t)",
    "parameters.l.map(x, parameters.t + parameters.t + parameters.t)",
    "parameters.l.map(a, a + a).map(b, b + b).map(c, c + c)",
    "[parameters.l, parameters.l].map(x, x.map(y, x))",
    "size(parameters.t + parameters.t + parameters.t + parameters.t) > 0",
    "parameters.l.all(x, parameters.l.all(y, x == y || x != y))",
    "parameters.l.exists(x, parameters.l.exists(y, parameters.l.exists(z, x == z)))",
    "parameters.l.filter(x, parameters.l.exists(y, x == y)).size() > 0",
    "(parameters.l + parameters.l + parameters.l + parameters.l).all(x, x != '')",
    "parameters.l.exists_one(x, parameters.l.exists_one(y, x == y))",
    "parameters.t.matches('^(a+)+$')",
    "parameters.t.matches('(a?){60}a{60}')",
    "parameters.t.matches('((((a{30}){30}){30}){30})')",
    "parameters.t.matches('(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)x')",
    "parameters.t.matches('[\\\\p{L}\\\\p{N}]{1,500}')",
    "parameters.t.matches(parameters.t)",
    "parameters.l.all(x, x.matches('(a{20}){20}'))",
    "parameters.l.all(x, x.matches('\\\\pL\\\\pL\\\\pN') || true)",
    "parameters.l.all(x, x.matches(x))",
    "parameters.l.all(x, parameters.t.contains(x))",
    "bytes(parameters.t) + bytes(parameters.t) != b''",
    "string(bytes(parameters.t)).size() > 0",
    "parameters.t.contains(parameters.t + parameters.t)",
];

fn nested() -> Vec<String> {
    let nested = |function: &str, depth: usize| {
        (0..depth)
            .fold("true".to_owned(), |inner, _| format!("parameters.l.{function}(x, {inner})"))
    };
    let functions = ["all", "exists", "exists_one", "filter", "map"];
    functions.iter().flat_map(|it| [1, 2, 3, 12, 40].map(|depth| nested(it, depth))).collect()
}

fn single() -> Vec<Bomb> {
    let elements: Vec<String> = (0..20_000).map(|n| format!("a{n}")).collect();
    let elements = elements.join(",");
    let large = [format!("l={}", &elements[..60_000]), format!("t={}", "a".repeat(60_000))];
    // As much as they may be.
    let within = [format!("l={}", &elements[..5_000]), format!("t={}", "a".repeat(16_000))];
    let loops = LOOPS.map(str::to_owned).into_iter().chain(nested());
    let mut bombs = Vec::new();
    for source in sources().into_iter().chain(loops) {
        let name: String = source.chars().take(60).collect();
        for given in [&large, &within] {
            bombs.push(Bomb::file(&name, over(&source)).given(given));
        }
    }
    bombs
}

/// A pipeline of one text.
fn leaf(text: &str) -> String {
    let text = serde_json::to_string(text).unwrap();
    format!(
        "version: 1\nname: t\nparameters: {{t: {{type: string, default: \"\"}}}}\nstages: {{a: {{setVariables: {{x: {text}}}}}}}\n"
    )
}

fn texts() -> Vec<Bomb> {
    let given = [format!("t={}", "${{ parameters.t }}".repeat(800))];
    let braces = [
        ("opened over and over", "${{".repeat(100_000)),
        ("opened and closed over and over", "${{}}".repeat(80_000)),
        ("90 expressions in one text", "${{ parameters.t }}".repeat(90)),
        ("990 expressions in one text", "${{ parameters.t }}".repeat(990)),
        ("20,000 expressions in one text", "${{ parameters.t }}".repeat(20_000)),
        ("literals over and over", "$${{".repeat(100_000)),
        ("dollars over and over", "$".repeat(400_000)),
        ("braces over and over", "${{ ".to_owned() + &"{".repeat(400_000)),
        ("closed over and over", "}}".repeat(200_000)),
        ("a quote that never ends", "${{ '".to_owned() + &"a".repeat(400_000)),
        ("backslashes in quotes", "${{ '".to_owned() + &"\\".repeat(400_000)),
        ("one within another", "${{ ".repeat(50_000) + &" }}".repeat(50_000)),
        ("maps within", "${{ {'a': ".repeat(1_000) + &"} }}".repeat(1_000)),
        ("what comes out looks like an expression", "${{ parameters.t }}".to_owned()),
        ("and is put together", "a${{ parameters.t }}b".to_owned()),
    ];
    braces.map(|(name, text)| Bomb::file(name, leaf(&text)).given(&given)).into()
}

/// Stages with one condition each.
fn conditions(count: usize, source: impl Fn(usize) -> String) -> String {
    let parameters =
        "parameters: {l: {type: list, default: []}, t: {type: string, default: \"\"}}\n";
    parameters.to_owned() + &stages(count, |n| format!("{{when: \"{}\", {WAIT}}}", source(n)))
}

fn values(count: usize, source: impl Fn(usize) -> String) -> String {
    let values = listed((0..count).map(|n| format!("v{n}: \"${{{{ {} }}}}\"", source(n))));
    let parameters =
        "parameters: {l: {type: list, default: []}, t: {type: string, default: \"\"}}\n";
    parameters.to_owned() + &stages(1, |_| format!("{{setVariables: {{{values}}}}}"))
}

fn many() -> Vec<Bomb> {
    let and = |part: &str, count: usize| vec![part.to_owned(); count].join(" && ");
    let text = [format!("t={}", "a".repeat(16_000))];
    let list = [format!("l={}", listed((0..900).map(|n| format!("a{n}"))).replace(' ', ""))];
    vec![
        Bomb::file(
            "1,000 different conditions",
            conditions(1_000, |n| format!("run.number > {n}")),
        )
        .accepted(),
        Bomb::file(
            "1,001 conditions",
            conditions(1_000, |n| format!("run.number > {n}"))
                + "images: {x: \"${{ parameters.t }}\"}\n",
        )
        .refused(),
        Bomb::file("1,000 unknown names", conditions(1_000, |n| format!("zz{n} == yy{n}")))
            .refused(),
        Bomb::file(
            "20,000 unknown names",
            conditions(120, |n| listed((0..40).map(|k| format!("z{n}y{k}"))).replace(", ", " == ")),
        )
        .refused(),
        Bomb::file(
            "1,000 unknown parameters",
            conditions(1_000, |n| format!("parameters.tt{n} == 'x'")),
        )
        .refused(),
        Bomb::file(
            "1,000 unknown stages",
            conditions(1_000, |n| format!("stages.q{n}.status == 'x'")),
        )
        .refused(),
        Bomb::file("1,000 dashed ids", conditions(1_000, |n| format!("stages.go-live{n} == 'x'")))
            .refused(),
        Bomb::file("990 large conditions", conditions(990, |_| and("true", 60))).refused(),
        Bomb::file(
            "140 large conditions",
            conditions(140, |n| format!("{n} > 0 && {}", and("true", 50))),
        ),
        Bomb::file(
            "200 patterns that grow",
            conditions(200, |n| format!("parameters.t.matches('(a{{{}}}){{50}}')", n + 1)),
        )
        .refused(),
        Bomb::file(
            "200 patterns of letters",
            conditions(200, |n| format!("parameters.t.matches('\\\\\\\\p{{L}}{{{}}}')", n % 9 + 1)),
        ),
        Bomb::file(
            "2,000 patterns",
            conditions(900, |n| {
                format!("parameters.t.matches('a{n}') || parameters.t.matches('b')")
            }),
        )
        .refused(),
        Bomb::file("900 long texts", values(900, |n| format!("parameters.t.contains('b{n}')")))
            .given(&text),
        Bomb::file("900 long texts put together", values(900, |n| format!("parameters.t + '{n}'")))
            .given(&text)
            .refused(),
        Bomb::file(
            "900 lists gone through",
            values(900, |n| format!("parameters.l.exists(x, x == 'b{n}')")),
        )
        .given(&list)
        .refused(),
        Bomb::file("900 lists copied", values(900, |n| format!("parameters.l.map(x, x + '{n}')")))
            .given(&list)
            .refused(),
        Bomb::file("900 lists named", values(900, |n| format!("{n} > 0 ? parameters.l : []")))
            .given(&list),
    ]
}

#[test]
fn expressions_that_are_made_to_hurt_cost_little() {
    judge("CEL", 160, &single());
}

#[test]
fn texts_of_expressions_that_are_made_to_hurt_cost_little() {
    judge("templates", 30, &texts().into_iter().chain(many()).collect::<Vec<_>>());
}
