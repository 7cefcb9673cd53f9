//! Parameters: as they are declared, and as the command line gives them.

use super::{Bomb, GOOD, judge, listed};

fn declared(declaration: &str) -> Bomb {
    let text = format!(
        "version: 1\nname: p\nparameters: {{p: {declaration}}}\nstages: {{a: {{when: \"has(parameters.p)\", wait: {{duration: 1s}}}}}}\n"
    );
    Bomb::file(declaration, text)
}

/// Many parameters, all declared alike.
fn many(count: usize, declaration: impl Fn(usize) -> String) -> String {
    let parameters: String = (0..count).map(|n| format!("  p{n}: {}\n", declaration(n))).collect();
    format!("parameters:\n{parameters}{GOOD}")
}

fn values() -> Vec<Bomb> {
    let long = 120_000;
    let within = 60_000;
    let given =
        |declaration: &str, value: String| declared(declaration).given(&[format!("p={value}")]);
    let unknown: Vec<String> = (0..2_000).map(|n| format!("unknown{n}=x")).collect();
    vec![
        given("{type: number}", "9".repeat(long)).refused(),
        given("{type: number}", "9".repeat(within)).refused(),
        given("{type: number}", "[".repeat(long)).refused(),
        given("{type: number}", format!("1e{}", "9".repeat(long))).refused(),
        given("{type: boolean}", "true".repeat(long / 4)).refused(),
        given("{type: string}", "\u{202e}é".repeat(long / 5)).refused(),
        given("{type: string}", "a".repeat(within)),
        given("{type: list}", ",".repeat(long)),
        given("{type: list}", "a,".repeat(long / 2)).refused(),
        given("{type: list}", "a,".repeat(within / 4)),
        given("{type: list, options: [a]}", "b,".repeat(long / 2)).refused(),
        given("{type: choice, options: [a]}", "b".repeat(long)).refused(),
        given("{type: string, pattern: \"(a*)*b\"}", "a".repeat(30_000)).refused(),
        given("{type: string, pattern: \"(a|aa)+\"}", "a".repeat(30_000)),
        given("{type: string, pattern: \"[01]*1[01]{500}\"}", "01110".repeat(6_000)),
        given("{type: list, pattern: \"[01]*1[01]{500}\"}", "01110,".repeat(5_000)).refused(),
        given("{type: list, pattern: \"a+\"}", "a,".repeat(10_000)),
        declared("{type: string, default: x}").given(&unknown).refused(),
        declared("{type: string, default: y}")
            .given(&[format!("{}=x", "k".repeat(long))])
            .refused(),
    ]
}

fn declarations() -> Vec<Bomb> {
    let pattern = |pattern: &str| format!("{{type: string, default: x, pattern: '{pattern}'}}");
    let words = |count: usize| listed((0..count).map(|n| format!("w{n}")));
    let grows = "((((a{50}){50}){50}){50}){50}";
    vec![
        Bomb::file("one pattern that grows", many(1, |_| pattern(grows))).refused(),
        Bomb::file("100 patterns that grow", many(100, |_| pattern(grows))).refused(),
        Bomb::file("500 patterns that grow", many(500, |_| pattern(grows))).refused(),
        Bomb::file("100 patterns of all letters", many(100, |_| pattern("[\\p{L}\\p{N}.-]{1,63}")))
            .refused(),
        Bomb::file("100 patterns of some letters", many(100, |_| pattern("\\p{L}{2,4}"))).refused(),
        Bomb::file(
            "100 patterns of digits",
            many(100, |_| {
                "{type: string, default: v1.2.3, pattern: 'v\\d+\\.\\d+\\.\\d+'}".to_owned()
            }),
        )
        .accepted(),
        Bomb::file("2,000 small patterns", many(2_000, |_| pattern("x+"))).refused(),
        Bomb::file("a pattern of 400,000", many(1, |_| pattern(&"x?".repeat(200_000)))).refused(),
        Bomb::file("a pattern of 900 choices", many(1, |_| pattern(&"(x|y)".repeat(190))))
            .refused(),
        Bomb::file("a pattern of open brackets", many(1, |_| pattern(&"(".repeat(900)))).refused(),
        Bomb::file("5,000 parameters", many(5_000, |_| "{type: string}".to_owned())).refused(),
        Bomb::file(
            "100 parameters with a list of 900",
            many(10, |_| format!("{{type: list, options: [{0}], default: [{0}]}}", words(900))),
        )
        .accepted(),
        Bomb::file(
            "18,000 options",
            many(1, |_| format!("{{type: choice, options: [{}]}}", words(18_000))),
        )
        .refused(),
        Bomb::file(
            "a default that is none of 1,000",
            many(15, |_| format!("{{type: choice, options: [{}], default: z}}", words(1_000))),
        )
        .refused(),
        Bomb::file(
            "a default of 18,000 texts",
            many(1, |_| format!("{{type: list, pattern: 'w.*', default: [{}]}}", words(5_000))),
        ),
        Bomb::file(
            "a default that is hard to match",
            many(1, |_| {
                format!(
                    "{{type: string, pattern: '[01]*1[01]{{500}}', default: \"{}\"}}",
                    "01110".repeat(60_000)
                )
            }),
        )
        .refused(),
    ]
}

#[test]
fn parameters_that_are_made_to_hurt_cost_little() {
    judge("parameters", 33, &values().into_iter().chain(declarations()).collect::<Vec<_>>());
}
