//! Files that come from people, and files that hold secrets.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::outcome::Failure;

/// A file of mode 0600 that was not there before. Taken before the secret exists, so that a
/// secret that is shown once always has where to go; removed again unless it is written.
pub struct NewFile {
    path: PathBuf,
    file: Option<File>,
}

impl NewFile {
    /// Takes the name.
    ///
    /// # Errors
    /// The file exists, or its folder is not there or not writable.
    pub fn reserve(path: &Path) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(path) {
            Ok(file) => Ok(Self {
                path: path.to_owned(),
                file: Some(file),
            }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Failure::broken(
                format!("`{}` exists already and is not overwritten", path.display()),
            )
            .hint("choose another name, or move the file away")),
            Err(error) => Err(unusable("write", path, &error)),
        }
    }

    /// Writes it, for good.
    ///
    /// # Errors
    /// The disk; the file is left for what it holds.
    pub fn write(mut self, text: &str) -> Result<(), Failure> {
        let Some(mut file) = self.file.take() else {
            return Ok(());
        };
        let written = file
            .write_all(text.as_bytes())
            .and_then(|()| file.sync_all());
        written.map_err(|error| unusable("write", &self.path, &error))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if self.file.is_some() {
            // It is empty; that it stays is ugly and nothing more.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Reads a file that holds one certificate or one secret, or stdin for `-`.
///
/// # Errors
/// It cannot be read, or is far too long.
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut bytes = Zeroizing::new(Vec::new());
    let limit = LONGEST + 1;
    let read = if path == Path::new("-") {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    match read {
        Ok(length) if length as u64 > LONGEST => Err(Failure::broken(format!(
            "`{}` is longer than {LONGEST} bytes",
            path.display()
        ))),
        Ok(_) => Ok(bytes),
        Err(error) => Err(unusable("read", path, &error)),
    }
}

fn unusable(verb: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::broken(format!("cannot {verb} `{}`: {error}", path.display()))
}

const LONGEST: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_file_is_private_and_goes_unless_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");

        drop(NewFile::reserve(&path).unwrap());
        assert!(!path.exists());

        NewFile::reserve(&path).unwrap().write("x").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "x");
        assert!(NewFile::reserve(&path).is_err());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
    }
}
