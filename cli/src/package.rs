//! A policy in the package form of other platforms: a folder or an archive (zip, tar, tar.gz, tar.xz)
//! with `code/function.py` and, if it has any, `code/requirements.txt`.
//!
//! Nothing is unpacked: the two files are read, within bounds. Links, and paths that lead out of the
//! package, are refused.

use std::io::{self, Cursor, Read};
use std::path::{Component, Path};

use flate2::read::GzDecoder;
use liblzma::read::XzDecoder;
use liblzma::stream::Stream;

use crate::error::CliError;
use crate::exit::Exit;

/// The most bytes of an archive.
pub(crate) const ARCHIVE_BYTES_MAX: usize = 64 << 20;
/// The most bytes that an archive holds unpacked.
const UNPACKED_BYTES_MAX: u64 = 256 << 20;
/// The most entries of an archive.
const ENTRIES_MAX: usize = 10_000;
/// The most bytes of a file that is read: the registry takes no larger policy.
const FILE_BYTES_MAX: usize = writ_model::BODY_BYTES_MAX;
/// The memory that unpacking xz may take, in bytes.
const XZ_MEMORY_MAX: u64 = 128 << 20;

const FUNCTION: &str = "code/function.py";
const REQUIREMENTS: &str = "code/requirements.txt";

/// The parts of a package that a policy is made from.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Package {
    /// The text of `code/function.py`.
    pub(crate) code: String,
    /// The names in `code/requirements.txt`, in its order.
    pub(crate) requirements: Vec<String>,
    /// Other Python files under `code/`, which a policy cannot import.
    pub(crate) other_modules: Vec<String>,
}

impl Package {
    /// Reads a package from a folder, or from an archive in a file.
    pub(crate) fn read(path: &Path) -> Result<Self, CliError> {
        let found = if path.is_dir() {
            Found::in_folder(path)
        } else {
            let file = std::fs::File::open(path).map_err(Wrong::Io);
            file.and_then(|file| bounded(file, ARCHIVE_BYTES_MAX, "the archive"))
                .and_then(|bytes| Found::in_archive(&bytes))
        };
        Self::of(found).map_err(|failure| failure.within(&path.display().to_string()))
    }

    /// Reads a package from the bytes of an archive, which came from `origin`.
    pub(crate) fn from_archive(bytes: &[u8], origin: &str) -> Result<Self, CliError> {
        Self::of(Found::in_archive(bytes)).map_err(|failure| failure.within(origin))
    }

    fn of(found: Result<Found, Wrong>) -> Result<Self, CliError> {
        let refused = |wrong: Wrong| match wrong {
            Wrong::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                CliError::new(Exit::NotFound, "there is no such folder or file")
            }
            wrong => CliError::new(Exit::Invalid, wrong.to_string()),
        };
        let found = found.map_err(refused)?;
        let text = |bytes: Vec<u8>, name: &str| {
            String::from_utf8(bytes)
                .map_err(|_| CliError::new(Exit::Invalid, format!("`{name}` is not UTF-8")))
        };
        let Some(function) = found.function else {
            return Err(CliError::new(Exit::Invalid, format!("it holds no `{FUNCTION}`"))
                .help(format!("put the class `AIOSv1PolicyRule` into `{FUNCTION}`")));
        };
        let requirements = text(found.requirements.unwrap_or_default(), REQUIREMENTS)?;
        let mut other_modules = found.other_modules;
        other_modules.sort();
        Ok(Self {
            code: text(function, FUNCTION)?,
            requirements: requirements.lines().filter_map(requirement).map(str::to_owned).collect(),
            other_modules,
        })
    }
}

/// The name of the library in a line of `requirements.txt`; `None` for a comment or an option.
fn requirement(line: &str) -> Option<&str> {
    let line = line.split('#').next()?.trim();
    let end = line.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c));
    let name = line.get(..end.unwrap_or(line.len()))?;
    (!name.is_empty() && !name.starts_with('-')).then_some(name)
}

/// What is wrong with a package.
#[derive(Debug)]
enum Wrong {
    Io(io::Error),
    TooLarge(&'static str, u64),
    Link(String),
    Escapes(String),
    Twice(String),
    NoArchive,
    Zip(zip::result::ZipError),
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => write!(f, "it cannot be read: {error}"),
            Self::TooLarge(what, most) => write!(f, "{what} is larger than {most} bytes"),
            Self::Link(name) => write!(f, "`{name}` is a link; put the file itself there"),
            Self::Escapes(name) => write!(f, "the path `{name}` leads out of the package"),
            Self::Twice(name) => write!(f, "it holds `{name}` twice"),
            Self::NoArchive => {
                f.write_str("it is neither a folder nor an archive (zip, tar, tar.gz or tar.xz)")
            }
            Self::Zip(error) => write!(f, "it is no zip archive that can be read: {error}"),
        }
    }
}

/// The files of a package that matter.
#[derive(Default)]
struct Found {
    function: Option<Vec<u8>>,
    requirements: Option<Vec<u8>>,
    other_modules: Vec<String>,
}

impl Found {
    fn in_folder(root: &Path) -> Result<Self, Wrong> {
        let mut found = Self::default();
        let code = root.join("code");
        if code.is_symlink() {
            return Err(Wrong::Link("code".to_owned()));
        }
        let entries = match std::fs::read_dir(&code) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            entries => entries.map_err(Wrong::Io)?,
        };
        for entry in entries.take(ENTRIES_MAX) {
            let entry = entry.map_err(Wrong::Io)?;
            let name = format!("code/{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().map_err(Wrong::Io)?;
            if kind.is_symlink() && is_wanted(&name) {
                return Err(Wrong::Link(name));
            }
            if kind.is_file() {
                found.add(&name, || std::fs::File::open(entry.path()))?;
            }
        }
        Ok(found)
    }

    fn in_archive(bytes: &[u8]) -> Result<Self, Wrong> {
        if bytes.len() > ARCHIVE_BYTES_MAX {
            return Err(Wrong::TooLarge("the archive", ARCHIVE_BYTES_MAX as u64));
        }
        match bytes {
            [b'P', b'K', 3, 4, ..] => Self::in_zip(bytes),
            [0x1f, 0x8b, ..] => Self::in_tar(GzDecoder::new(bytes)),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
                let stream = Stream::new_stream_decoder(XZ_MEMORY_MAX, 0);
                let stream = stream.map_err(|error| Wrong::Io(error.into()))?;
                Self::in_tar(XzDecoder::new_stream(bytes, stream))
            }
            // The mark of a tar's first header.
            _ if bytes.get(257..262) == Some(b"ustar") => Self::in_tar(bytes),
            _ => Err(Wrong::NoArchive),
        }
    }

    fn in_zip(bytes: &[u8]) -> Result<Self, Wrong> {
        let mut found = Self::default();
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(Wrong::Zip)?;
        if archive.len() > ENTRIES_MAX {
            return Err(Wrong::TooLarge("the list of its files", ENTRIES_MAX as u64));
        }
        for index in 0..archive.len() {
            let entry = archive.by_index(index).map_err(Wrong::Zip)?;
            let name = inside(entry.name())?;
            if entry.is_symlink() {
                return Err(Wrong::Link(name));
            }
            if entry.is_file() {
                found.add(&name, || Ok(entry))?;
            }
        }
        Ok(found)
    }

    fn in_tar(reader: impl Read) -> Result<Self, Wrong> {
        let mut found = Self::default();
        let mut archive = tar::Archive::new(Bounded { inner: reader, left: UNPACKED_BYTES_MAX });
        for (index, entry) in archive.entries().map_err(tar_error)?.enumerate() {
            if index >= ENTRIES_MAX {
                return Err(Wrong::TooLarge("the list of its files", ENTRIES_MAX as u64));
            }
            let entry = entry.map_err(tar_error)?;
            let name = inside(&String::from_utf8_lossy(&entry.path_bytes()))?;
            match entry.header().entry_type() {
                tar::EntryType::Regular => found.add(&name, || Ok(entry))?,
                tar::EntryType::Symlink | tar::EntryType::Link => return Err(Wrong::Link(name)),
                _ => {}
            }
        }
        Ok(found)
    }

    /// Adds the file if it matters.
    fn add<R: Read>(
        &mut self,
        name: &str,
        open: impl FnOnce() -> io::Result<R>,
    ) -> Result<(), Wrong> {
        let place = match name {
            FUNCTION => &mut self.function,
            REQUIREMENTS => &mut self.requirements,
            _ => {
                if is_wanted(name) {
                    self.other_modules.push(name.to_owned());
                }
                return Ok(());
            }
        };
        if place.is_some() {
            return Err(Wrong::Twice(name.to_owned()));
        }
        let opened = open().map_err(Wrong::Io)?;
        *place = Some(bounded(opened, FILE_BYTES_MAX, "a file of the package")?);
        Ok(())
    }
}

/// Whether a file of this name is code, or says what the code needs.
fn is_wanted(name: &str) -> bool {
    name == REQUIREMENTS || (name.starts_with("code/") && name.ends_with(".py"))
}

/// The path of an entry without `.` parts.
fn inside(name: &str) -> Result<String, Wrong> {
    let mut parts = Vec::new();
    for part in Path::new(name).components() {
        match part {
            Component::Normal(part) => parts.push(part.to_string_lossy()),
            Component::CurDir => {}
            _ => return Err(Wrong::Escapes(name.to_owned())),
        }
    }
    Ok(parts.join("/"))
}

/// Reads everything, if it is at most `most` bytes.
fn bounded(reader: impl Read, most: usize, what: &'static str) -> Result<Vec<u8>, Wrong> {
    let most = most as u64;
    let mut bytes = Vec::new();
    reader.take(most + 1).read_to_end(&mut bytes).map_err(tar_error)?;
    if bytes.len() as u64 > most { Err(Wrong::TooLarge(what, most)) } else { Ok(bytes) }
}

/// A reader that fails after so many bytes: a small archive may hold very much.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::FileTooLarge, "what it holds is too large")
        })?;
        Ok(count)
    }
}

fn tar_error(error: io::Error) -> Wrong {
    match error.kind() {
        io::ErrorKind::FileTooLarge => {
            Wrong::TooLarge("what the archive holds", UNPACKED_BYTES_MAX)
        }
        _ => Wrong::Io(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::tests::plain;
    use std::io::Write as _;

    const CODE: &str = "class AIOSv1PolicyRule: pass\n";

    /// A tar archive of these files. A name is written as it is, wherever it leads.
    fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in files {
            let mut header = tar::Header::new_ustar();
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            builder.append(&header, *bytes).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn xz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn refusal(bytes: &[u8]) -> String {
        plain(&Package::from_archive(bytes, "p").unwrap_err().render())
    }

    #[test]
    fn a_package_is_the_same_in_every_form() {
        let requirements = b"# none\nrequests>=2\n numpy == 1 # x\n-r more.txt\n\nPyYAML[fast]\n";
        let files: [(&str, &[u8]); 4] = [
            ("./code/function.py", CODE.as_bytes()),
            ("code/requirements.txt", requirements),
            ("code/helper.py", b""),
            ("README.md", b""),
        ];
        let tar = tar_of(&files);
        let package = Package::from_archive(&tar, "p").unwrap();
        assert_eq!(package.code, CODE);
        assert_eq!(package.requirements, ["requests", "numpy", "PyYAML"]);
        assert_eq!(package.other_modules, ["code/helper.py"]);
        for archive in [gzip(&tar), xz(&tar), zip_of(&files)] {
            assert_eq!(Package::from_archive(&archive, "p").unwrap(), package);
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("code")).unwrap();
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        assert_eq!(Package::read(folder.path()).unwrap(), package);
        let file = folder.path().join("p");
        std::fs::write(&file, xz(&tar)).unwrap();
        assert_eq!(Package::read(&file).unwrap(), package);
    }

    #[test]
    fn a_hostile_or_broken_package_is_refused() {
        let code: (&str, &[u8]) = ("code/function.py", CODE.as_bytes());
        let cases = [
            (tar_of(&[("a.txt", b"")]), "holds no `code/function.py`"),
            (zip_of(&[("function.py", b"")]), "holds no `code/function.py`"),
            (tar_of(&[code, ("code/../../etc/x.py", b"")]), "leads out of the package"),
            (gzip(&tar_of(&[("/code/function.py", b"")])), "leads out of the package"),
            (zip_of(&[code, ("../x", b"")]), "leads out of the package"),
            (tar_of(&[code, code]), "holds `code/function.py` twice"),
            (tar_of(&[("code/function.py", b"\xff")]), "is not UTF-8"),
            (tar_of(&[("code/function.py", &vec![b'#'; FILE_BYTES_MAX + 1])]), "is larger than"),
            (gzip(&tar_of(&[("a", &vec![0; 300 << 20]), code])), "is larger than"),
            (b"PK\x03\x04 and no more".to_vec(), "no zip archive"),
            (gzip(b"no tar at all, but some text"), "cannot be read"),
            (gzip(&tar_of(&[code]))[..40].to_vec(), "cannot be read"),
            (b"class A: pass".to_vec(), "neither a folder nor an archive"),
            (Vec::new(), "neither a folder nor an archive"),
        ];
        for (bytes, expected) in cases {
            let refusal = refusal(&bytes);
            assert!(refusal.contains(expected), "{expected}: {refusal}");
        }
    }

    #[test]
    fn a_link_is_refused_in_every_form() {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, "code/function.py", "/etc/hostname").unwrap();
        assert!(refusal(&builder.into_inner().unwrap()).contains("is a link"));

        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        writer.add_symlink("code/function.py", "/etc/hostname", options).unwrap();
        assert!(refusal(&writer.finish().unwrap().into_inner()).contains("is a link"));

        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("code")).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", folder.path().join(FUNCTION)).unwrap();
        let refused = Package::read(folder.path()).unwrap_err();
        assert!(plain(&refused.render()).contains("is a link"));
    }
}
