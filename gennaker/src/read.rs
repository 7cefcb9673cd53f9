//! Reads pipeline files and the files that they name: bounded, and never beyond their root.

mod paths;

use engine_core::{
    diagnostic::SourceFile,
    event::Trigger,
    files::{File, FileRequest, Files, Found},
    id::BlobName,
    pipeline::{Bindings, Given, Missing},
};
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    fs, io,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

pub(crate) use paths::Search;

/// One file that a pipeline names may be this large.
const FILE_LIMIT_BYTES: u64 = 1024 * 1024;
/// One pattern may stand for this many files.
const FILES_LIMIT: usize = 500;
/// All that a pipeline reads.
const ALL_FILES: usize = 2_000;
const ALL_BYTES: usize = 6 * 1024 * 1024;

/// So many files beside a pipeline are looked at for others, and so many bytes of them.
const NEIGHBOURS: usize = 200;
const NEIGHBOURS_BYTES: usize = 1024 * 1024;

/// A pipeline file and the folder that its paths are relative to.
pub(crate) struct Located {
    pub(crate) source: SourceFile,
    pub(crate) root: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{} has no pipeline: put one into its .gennaker folder", path.display())]
    NoPipeline { path: PathBuf },
    #[error("{} has several pipelines, name one of them: {}", path.display(), names(found))]
    Several { path: PathBuf, found: Vec<PathBuf> },
}

fn names(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// What a run starts with when somebody starts it here.
pub(crate) fn bindings(parameters: &[(String, String)], missing: Missing) -> Bindings {
    let given = parameters.iter().map(|(id, text)| (id.clone(), Given::Written(text.clone())));
    let (parameters, actor) = (given.collect(), crate::run::actor().name);
    Bindings { parameters, actor, trigger: Trigger::Manual, missing, origin: None }
}

/// Finds and reads the pipeline that `path` means: a file, or a folder with one.
pub(crate) fn locate(path: &Path) -> Result<Located, ReadError> {
    let unreadable = |error| ReadError::Unreadable { path: path.to_owned(), error };
    let file = if fs::metadata(path).map_err(unreadable)?.is_dir() {
        only_pipeline(path)?
    } else {
        path.to_owned()
    };
    let unreadable = |error| ReadError::Unreadable { path: file.clone(), error };
    let bytes = read_at_most(&file, SourceFile::MAX_BYTES as u64 + 1).map_err(unreadable)?;
    let root = if path.is_dir() { path.to_owned() } else { root_of(&file) };
    Ok(Located { source: SourceFile::new(file.display().to_string(), &bytes), root })
}

/// The folder above the file's `.gennaker`, or the file's own.
fn root_of(file: &Path) -> PathBuf {
    let folder = file.parent().unwrap_or(Path::new(""));
    let root = match folder.file_name() {
        Some(name) if name == ".gennaker" => folder.parent().unwrap_or(Path::new("")),
        Some(_) | None => folder,
    };
    if root == Path::new("") { PathBuf::from(".") } else { root.to_owned() }
}

fn only_pipeline(folder: &Path) -> Result<PathBuf, ReadError> {
    let mut found = yaml_files(&folder.join(".gennaker")).unwrap_or_default();
    if found.is_empty() {
        found = yaml_files(folder).unwrap_or_default();
    }
    let path = folder.to_owned();
    match found.as_slice() {
        [] => Err(ReadError::NoPipeline { path }),
        [only] => Ok(only.clone()),
        _ => Err(ReadError::Several { path, found }),
    }
}

/// The pipeline files beside one; what cannot be read is none.
pub(crate) fn neighbours(located: &Located) -> Vec<SourceFile> {
    let own = Path::new(located.source.path());
    let folder = own.parent().filter(|folder| *folder != Path::new(""));
    let paths = yaml_files(folder.unwrap_or(Path::new("."))).unwrap_or_default();
    let mut left = NEIGHBOURS_BYTES;
    let read = |path: &PathBuf| {
        let bytes = read_at_most(path, SourceFile::MAX_BYTES as u64 + 1).ok()?;
        left = left.checked_sub(bytes.len())?;
        Some(SourceFile::new(path.display().to_string(), &bytes))
    };
    paths.iter().filter(|path| *path != own).take(NEIGHBOURS).filter_map(read).collect()
}

pub(crate) fn yaml_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    paths::files_in(folder, &["yaml", "yml"])
}

/// Reads what a pipeline asks for; `name` tells how content is named.
pub(crate) fn files(
    root: &Path,
    requests: &[FileRequest],
    (name, left): (impl Fn(&[u8]) -> BlobName, &Allowance),
) -> Files {
    let mut files = Files::default();
    let patterns: BTreeSet<&str> = requests.iter().map(|it| it.pattern.as_str()).collect();
    let (mut search, mut reader) = (Search::below(root), Reader::below(root, left));
    for pattern in patterns {
        let paths = search.paths(pattern);
        let found = match paths.and_then(|paths| paths.iter().map(|it| reader.read(it)).collect()) {
            Err(reason) => Found::Nothing { reason },
            Ok(paths) => Found::Paths(paths),
        };
        files.insert_answer(pattern.to_owned(), found);
    }
    for (path, content) in reader.contents {
        let name = name(&content);
        files.insert_file(path, File { content, name });
    }
    files
}

/// What may still be read.
pub(crate) struct Allowance {
    files: Cell<usize>,
    bytes: Cell<usize>,
}

impl Default for Allowance {
    fn default() -> Allowance {
        Allowance { files: Cell::new(ALL_FILES), bytes: Cell::new(ALL_BYTES) }
    }
}

/// Reads each file once, and not too much of all.
struct Reader<'a> {
    root: &'a Path,
    inside: io::Result<PathBuf>,
    left: &'a Allowance,
    contents: BTreeMap<String, Arc<[u8]>>,
}

impl<'a> Reader<'a> {
    fn below(root: &'a Path, left: &'a Allowance) -> Reader<'a> {
        Reader { root, inside: root.canonicalize(), left, contents: BTreeMap::new() }
    }

    /// How a file that has been read is called.
    fn read(&mut self, path: &Path) -> Result<String, String> {
        let told = path.strip_prefix(self.root).unwrap_or(path).to_string_lossy().into_owned();
        if self.contents.contains_key(&told) {
            return Ok(told);
        }
        let inside = self.inside.as_ref().map_err(ToString::to_string)?;
        let real = path.canonicalize().map_err(|error| format!("{told}: {error}"))?;
        if !real.starts_with(inside) {
            return Err(format!("{told}: a link that leaves the repository is not followed"));
        }
        let content = read_at_most(&real, FILE_LIMIT_BYTES + 1);
        let content = content.map_err(|error| format!("{told}: {error}"))?;
        if content.len() as u64 > FILE_LIMIT_BYTES {
            return Err(format!("{told}: larger than {FILE_LIMIT_BYTES} bytes"));
        }
        let files = self.left.files.get().checked_sub(1);
        let bytes = self.left.bytes.get().checked_sub(content.len());
        let (Some(files), Some(bytes)) = (files, bytes) else {
            return Err(format!(
                "{told}: a pipeline reads at most {ALL_FILES} files and {ALL_BYTES} bytes of them"
            ));
        };
        self.left.files.set(files);
        self.left.bytes.set(bytes);
        self.contents.insert(told.clone(), Arc::from(content));
        Ok(told)
    }
}

/// A pipeline file, of which no more is read than it may have.
pub(crate) fn source(path: &Path) -> io::Result<Vec<u8>> {
    read_at_most(path, SourceFile::MAX_BYTES as u64 + 1)
}

fn read_at_most(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    fs::File::open(path)?.take(limit).read_to_end(&mut content)?;
    Ok(content)
}
