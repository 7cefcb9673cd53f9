//! Warnings that hang on how stages stand to each other.

use crate::told;
use engine_core::diagnostic::Diagnostic;

/// The warnings of some stages, as `code line message`.
fn warnings(stages: &str) -> Vec<String> {
    let (file, told) = told(&format!("version: 1\nname: shop\nstages:\n{stages}"));
    let words = |it: &Diagnostic| {
        format!("{} {} {}", it.code, file.position(it.primary.span.start).line, it.message)
    };
    told.iter().map(words).collect()
}

const ASK: &str = "  ask: {approval: {}}\n";

#[test]
fn production_is_reached_by_a_yes_and_by_nothing_else() {
    let deploy = |needs: &str| {
        format!("  live: {{{needs}environment: production, deploy: {{manifests: [k8s/]}}}}\n")
    };
    let job = "environment: production, job: {image: \"registry.example.com/shop/m:v1\"}}";
    let soak = "  soak: {needs: [ask], wait: {duration: 1m}}\n";
    for (others, live, is_asked) in [
        ("", deploy(""), false),
        (ASK, deploy(""), false),
        (ASK, deploy("needs: [ask], "), true),
        (ASK, deploy("needs: [{stage: ask, status: [succeeded]}], "), true),
        (ASK, deploy("needs: [{stage: ask, status: any}], "), false),
        (ASK, deploy("needs: [{stage: ask, status: [rejected]}], "), false),
        (ASK, deploy("needs: [{stage: ask, status: [succeeded, failed]}], "), false),
        (&format!("{ASK}{soak}"), deploy("needs: [soak], "), true),
        (&format!("{ASK}{soak}"), deploy("needs: [{stage: soak, status: [failed]}], "), true),
        (&format!("{ASK}{soak}"), deploy("needs: [{stage: soak, status: [omitted]}], "), false),
        // A stage waits for all of its needs.
        (
            &format!("{ASK}  other: {{wait: {{duration: 1m}}}}\n"),
            deploy("needs: [other, ask], "),
            true,
        ),
        ("", format!("  live: {{{job}\n"), false),
        ("", "  live: {environment: production, waitForReady: {}}\n".to_owned(), true),
        // Bringing back what was there waits for nobody.
        (
            "  live: {environment: staging, deploy: {manifests: [k8s/]}}\n",
            "  back: {needs: [live], environment: production, rollback: {to: lastGood}}\n"
                .to_owned(),
            true,
        ),
    ] {
        let found = warnings(&format!("{others}{live}"));
        let found: Vec<&String> = found.iter().filter(|it| it.starts_with("W103")).collect();
        assert_eq!(found.is_empty(), is_asked, "{others}{live}: {found:?}");
    }
}

#[test]
fn a_matrix_that_reaches_production_is_told_once_and_only_where_it_does() {
    let text = "  live: {matrix: {axes: {place: [production, staging, production-b]}}, environment: \
        \"${{ matrix.place }}\", deploy: {manifests: [k8s/]}}\n  x: {environment: production, waitForReady: {}}\n";
    let found = warnings(text);
    let known: Vec<&String> = found.iter().filter(|it| it.starts_with("W103")).collect();
    let sentence = "W103 4 stage `live` writes in `production`, a production environment, and nobody is asked before";
    assert_eq!(known, [sentence]);
}

#[test]
fn a_failure_takes_back_only_what_some_deploy_before_it_has_put_there() {
    let smoke = |rest: &str| {
        format!(
            "  smoke: {{{rest}onFailure: rollback, http: {{url: \"https://shop.example.com/\"}}}}\n"
        )
    };
    let web = "  web: {environment: staging, onFailure: rollback, deploy: {manifests: [k8s/]}}\n";
    for (others, smoke, is_futile) in [
        (web, smoke("needs: [web], environment: staging, "), false),
        (web, smoke("environment: staging, "), true),
        (web, smoke("needs: [web], environment: elsewhere, "), true),
        ("", smoke("environment: staging, "), true),
        (web, "  end: {needs: [web], wait: {duration: 1m}}\n".to_owned(), false),
    ] {
        let found = warnings(&format!("{others}{smoke}"));
        assert_eq!(found.iter().any(|it| it.starts_with("W113")), is_futile, "{others}{smoke}");
    }
    let usual = "defaults: {onFailure: rollback}";
    let (_, told) = told(&format!(
        "version: 1\nname: shop\n{usual}\nstages:\n  a: {{environment: staging, waitForReady: {{}}}}\n"
    ));
    assert!(told.is_empty(), "{told:?}");
}
