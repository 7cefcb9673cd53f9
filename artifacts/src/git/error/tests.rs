//! What git says is told apart, and what servers say through it does no harm.

use super::{GitError, classify::of_local, of_remote};

#[test]
fn what_git_says_is_told_apart() {
    type Is = fn(&GitError) -> bool;
    let unreachable: Is = |it| matches!(it, GitError::Unreachable { .. });
    let unauthorised: Is = |it| matches!(it, GitError::Unauthorised { .. });
    let untrusted: Is = |it| matches!(it, GitError::Untrusted { .. });
    let table: [(&str, Is); 12] = [
        ("fatal: unable to access 'https://g/a/': Could not resolve host: g", unreachable),
        ("fatal: unable to access 'https://g/a/': Failed to connect to g port 443", unreachable),
        ("error: RPC failed; curl 18 transfer closed\nfatal: early EOF", unreachable),
        (
            "fatal: unable to access 'https://g/a/': The requested URL returned error: 503",
            unreachable,
        ),
        ("fatal: Authentication failed for 'https://g/a/'", unauthorised),
        ("fatal: could not read Username for 'https://g': terminal prompts disabled", unauthorised),
        ("git@g: Permission denied (publickey).\nfatal: Could not read from remote", unauthorised),
        ("Host key verification failed.\nfatal: Could not read from remote", untrusted),
        ("server certificate verification failed. CAfile: none CRLfile: none", untrusted),
        ("remote: redirect, certificate, fsck error\nfatal: early EOF", unreachable),
        ("fatal: couldn't find remote ref refs/heads/a", |it| {
            matches!(it, GitError::NoSuchRef { .. })
        }),
        ("", unreachable),
    ];
    for (said, is) in table {
        let error = of_remote(said);
        assert!(is(&error), "{said:?}: {error:?}");
    }
    let full = "fatal: write error: No space left on device";
    assert!(matches!(of_local(full), GitError::Machine { .. }));
    assert!(matches!(of_local("error: inflate: data stream error"), GitError::Damaged { .. }));
}

#[test]
fn a_message_is_one_line_of_bounded_length_without_control_characters() {
    let said = format!("remote: \u{1b}[31mred\r\n\u{7}bell\0 {}", "x".repeat(100_000));
    let told = of_remote(&said).to_string();
    assert!(told.len() < 600, "{}", told.len());
    assert!(!told.contains(|it: char| it.is_control()), "{told:?}");
}
