//! Which files of a listing a pattern stands for: a file, the manifests of a folder, or a glob's
//! matches. The same rules as on a disk.

use glob::{MatchOptions, Pattern};

/// One pattern may stand for this many files.
const FILES_LIMIT: usize = 500;
const MANIFESTS: [&str; 3] = ["yaml", "yml", "json"];
/// `*` stays within a folder.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// The paths of `all`, which are in order, that `pattern` means; or why it means none.
pub(super) fn paths(pattern: &str, all: &[&str]) -> Result<Vec<String>, String> {
    if pattern.starts_with('/') || pattern.split('/').any(|part| part == "..") {
        return Err("a path stays below the repository's root, without `..`".to_owned());
    }
    let parts = pattern.split('/').filter(|part| !["", "."].contains(part));
    let plain = parts.collect::<Vec<_>>().join("/");
    let mut found = folder(&plain, all);
    if found.is_empty() {
        let pattern = Pattern::new(&plain).map_err(|error| error.to_string())?;
        let is_meant = |path: &&&str| **path == plain || pattern.matches_with(path, OPTIONS);
        found = all.iter().filter(is_meant).map(|path| (*path).to_owned()).collect();
    }
    match found.len() {
        0 => Err(format!("nothing is at `{pattern}` in the repository")),
        1..=FILES_LIMIT => Ok(found),
        _ => Err(format!("these are more than {FILES_LIMIT} files")),
    }
}

/// Below what all lies that `pattern` may mean: its parts before the first with a wildcard.
pub(super) fn within(pattern: &str) -> String {
    let parts = pattern.split('/').take_while(|part| !part.contains(['*', '?', '[']));
    parts.collect::<Vec<_>>().join("/")
}

/// The manifests that lie in a folder itself.
fn folder(path: &str, all: &[&str]) -> Vec<String> {
    let within = |file: &&str| {
        let name = match path {
            "" => file,
            _ => file.strip_prefix(path)?.strip_prefix('/')?,
        };
        let extension = name.rsplit_once('.').map(|(_, extension)| extension)?;
        let is_direct = !name.contains('/') && MANIFESTS.contains(&extension);
        is_direct.then(|| (*file).to_owned())
    };
    all.iter().filter_map(within).collect()
}

#[cfg(test)]
mod tests {
    use super::{paths, within};

    const TREE: [&str; 7] = [
        ".gennaker/shop.yaml",
        "README.md",
        "k8s/deployment.yaml",
        "k8s/notes.txt",
        "k8s/prod/deployment.yaml",
        "k8s/prod/service.json",
        "root.yml",
    ];

    #[test]
    fn all_that_a_pattern_means_lies_within_its_plain_parts() {
        for pattern in
            ["k8s", "k8s/", "./k8s/prod", ".", "k8s/*.yaml", "k8s/**/*.yaml", "**/*.json"]
        {
            let within = within(pattern);
            let plain = within.trim_start_matches('.').trim_matches('/').to_owned();
            let all = paths(pattern, &TREE).unwrap();
            assert!(all.iter().all(|path| path.starts_with(&plain)), "{pattern}: {plain}");
            let near: Vec<&str> = TREE.into_iter().filter(|it| it.starts_with(&plain)).collect();
            assert_eq!(paths(pattern, &near), Ok(all), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_is_a_file_or_a_folder_or_a_glob_and_stays_inside() {
        for (pattern, expected) in [
            ("k8s", vec!["k8s/deployment.yaml"]),
            ("k8s/", vec!["k8s/deployment.yaml"]),
            ("./k8s/prod", vec!["k8s/prod/deployment.yaml", "k8s/prod/service.json"]),
            (".", vec!["root.yml"]),
            ("k8s/notes.txt", vec!["k8s/notes.txt"]),
            ("k8s/*.yaml", vec!["k8s/deployment.yaml"]),
            ("k8s/**/*.yaml", vec!["k8s/deployment.yaml", "k8s/prod/deployment.yaml"]),
            ("**/*.json", vec!["k8s/prod/service.json"]),
        ] {
            let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(paths(pattern, &TREE), Ok(expected), "{pattern}");
        }
        for pattern in ["none", "k8s/*.json", "../k8s", "/k8s", "k8s/../k8s", "[", "k8s/deployment"]
        {
            assert!(paths(pattern, &TREE).is_err(), "{pattern}");
        }
    }
}
