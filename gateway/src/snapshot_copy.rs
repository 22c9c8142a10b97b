//! The snapshot on disk, from which a gateway starts when the control plane is away.
//!
//! ```text
//!   "portico\0" │ format │ header frame │ frames of objects … │ end frame │ XXH3-128 of all before │ end of file
//!                          └─ each: length (4 bytes, little-endian), then postcard ─┘
//! ```
//!
//! A copy is replaced as a whole or not at all. One that is damaged, cut short, of another format, or that holds a value
//! this version does not know is an error: no part of it is ever used. The checksum finds accidents; who may write the
//! file is the file system's to say, and it is readable by its owner alone, as it holds the hashes of keys.

mod frame;
mod private_file;

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Write},
    path::Path,
};

use domain::Timestamp;
use serde::Serialize;
use twox_hash::XxHash3_128;

use crate::{
    snapshot::{Loader, Snapshot, ToldTwice},
    snapshot_copy::frame::{AppFrame, EndFrame, Frame, HeaderFrame},
};

const MAGIC: [u8; 8] = *b"portico\0";
/// Changes with every change of what is written.
const FORMAT: u32 = 2;
const BUFFER: usize = 1 << 18;

/// What is known of a copy as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyHeader {
    /// The position in the change log that the snapshot stands at, in the control plane's own terms.
    pub position: String,
    /// When the snapshot held, by the control plane's clock.
    pub taken_at: Timestamp,
}

/// Why a copy could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is none.
    #[error("there is no copy of the snapshot")]
    Missing,
    /// The file system failed; a full disk is [`io::ErrorKind::StorageFull`].
    #[error("the copy of the snapshot cannot be written or read")]
    Io(#[from] io::Error),
    /// The file is something else.
    #[error("the file is not a copy of a snapshot")]
    NotACopy,
    /// Another version of Portico wrote it.
    #[error("the copy of the snapshot is of format {0}, and this version reads format {FORMAT}")]
    OtherFormat(u32),
    /// It is cut short, was changed, or holds what this version does not know.
    #[error("the copy of the snapshot is damaged or holds what this version does not know: {0}")]
    Damaged(&'static str),
}

impl From<ToldTwice> for CopyError {
    fn from(ToldTwice: ToldTwice) -> Self {
        Self::Damaged("it holds something twice")
    }
}

/// Replaces the copy at `path`, or makes it. When this returns, the copy is on the disk. Until then, and when it fails,
/// what was there before stays (or, when all but the last step worked, the whole new copy may be there already). One
/// process and one thread at a time may write to a path; the file beside it ends in `.partial`.
///
/// # Errors
/// [`CopyError::Io`].
pub fn write(path: &Path, header: &CopyHeader, snapshot: &Snapshot) -> Result<(), CopyError> {
    private_file::replace(path, |file| write_to(file, header, snapshot))
}

/// Reads the copy at `path`, all of it, before anything of it is returned.
///
/// # Errors
/// [`CopyError`].
pub fn read(path: &Path) -> Result<(CopyHeader, Snapshot), CopyError> {
    let file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => CopyError::Missing,
        _ => CopyError::Io(error),
    })?;
    read_from(file)
}

fn write_to(out: impl Write, header: &CopyHeader, snapshot: &Snapshot) -> Result<(), CopyError> {
    let mut out = FrameWriter {
        out: BufWriter::with_capacity(BUFFER, out),
        hash: XxHash3_128::new(),
        frame: Vec::new(),
    };
    out.put(&MAGIC)?;
    out.put(&FORMAT.to_le_bytes())?;
    out.frame(&HeaderFrame::of(header))?;
    let mut objects = 0;
    for update in snapshot.updates_without_apps() {
        if let Some(frame) = Frame::of(&update) {
            out.frame(&frame)?;
            objects += 1;
        }
    }
    for app in snapshot.apps() {
        out.frame(&Frame::App(AppFrame::of(app)))?;
        objects += 1;
    }
    out.frame(&Frame::End(EndFrame { objects }))?;
    out.finish()
}

fn read_from(from: impl Read) -> Result<(CopyHeader, Snapshot), CopyError> {
    let mut from = FrameReader {
        from: BufReader::with_capacity(BUFFER, from),
        hash: XxHash3_128::new(),
        frame: Vec::new(),
    };
    if from.take::<8>()? != MAGIC {
        return Err(CopyError::NotACopy);
    }
    let format = u32::from_le_bytes(from.take()?);
    if format != FORMAT {
        return Err(CopyError::OtherFormat(format));
    }
    let header = frame::decode::<HeaderFrame<'_>>(from.frame()?)?.header();
    let mut loader = Loader::default();
    let mut objects = 0;
    loop {
        match frame::decode(from.frame()?)? {
            Frame::End(end) if end.objects == objects => break,
            Frame::End(_) => return Err(CopyError::Damaged("another number of objects than were written")),
            object => object.load_into(&mut loader)?,
        }
        objects += 1;
    }
    let snapshot = loader.finish()?;
    from.finish()?;
    Ok((header, snapshot))
}

struct FrameWriter<W: Write> {
    out: BufWriter<W>,
    hash: XxHash3_128,
    frame: Vec<u8>,
}

impl<W: Write> FrameWriter<W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.write(bytes);
        self.out.write_all(bytes)
    }

    fn frame(&mut self, value: &impl Serialize) -> Result<(), CopyError> {
        let mut frame = std::mem::take(&mut self.frame);
        frame.clear();
        frame = postcard::to_extend(value, frame).map_err(io::Error::other)?;
        let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
        self.put(&length.to_le_bytes())?;
        self.put(&frame)?;
        self.frame = frame;
        Ok(())
    }

    fn finish(mut self) -> Result<(), CopyError> {
        self.out.write_all(&self.hash.finish_128().to_le_bytes())?;
        Ok(self.out.flush()?)
    }
}

struct FrameReader<R: Read> {
    from: BufReader<R>,
    hash: XxHash3_128,
    frame: Vec<u8>,
}

const CUT_SHORT: CopyError = CopyError::Damaged("it ends too early");

impl<R: Read> FrameReader<R> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], CopyError> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => CUT_SHORT,
            _ => CopyError::Io(error),
        })?;
        self.hash.write(&bytes);
        Ok(bytes)
    }

    fn frame(&mut self) -> Result<&[u8], CopyError> {
        let length = u32::from_le_bytes(self.take()?);
        self.frame.clear();
        // Not allocated beforehand: a damaged length may be anything.
        let got = Read::take(&mut self.from, u64::from(length)).read_to_end(&mut self.frame)?;
        if got as u64 != u64::from(length) {
            return Err(CUT_SHORT);
        }
        self.hash.write(&self.frame);
        Ok(&self.frame)
    }

    fn finish(mut self) -> Result<(), CopyError> {
        let expected = self.hash.finish_128();
        if u128::from_le_bytes(self.take()?) != expected {
            return Err(CopyError::Damaged("its checksum is another one"));
        }
        match self.from.read(&mut [0])? {
            0 => Ok(()),
            _ => Err(CopyError::Damaged("it goes on after its end")),
        }
    }
}

#[cfg(test)]
#[path = "snapshot_copy_tests.rs"]
mod tests;
