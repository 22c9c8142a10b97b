use std::{cell::Cell, fs};

use domain::{
    access_request::AccessRequestStatus,
    api_key::ApiKeyHash,
    app::AppStatus,
    credential::CredentialKind,
    id::{AppId, CredentialId, VersionId},
};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::{
    record::{AccessRequestRecord, AppRecord, CredentialRecord, Update},
    test_updates::{by_object, update},
};

fn header(position: &str) -> CopyHeader {
    CopyHeader {
        position: position.to_owned(),
        taken_at: Timestamp::from_millis(1_700_000_000_123),
    }
}

fn snapshot(updates: impl IntoIterator<Item = Update>) -> Snapshot {
    let mut snapshot = Snapshot::empty();
    snapshot.extend(updates);
    snapshot
}

/// A snapshot with one object of each kind.
fn small() -> Snapshot {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut objects = Snapshot::empty();
    while by_object(objects.updates())
        .keys()
        .map(|(kind, ..)| kind)
        .collect::<std::collections::BTreeSet<_>>()
        .len()
        < 6
    {
        let tree = update().new_tree(&mut runner).unwrap();
        objects.extend([proptest::strategy::ValueTree::current(&tree)]);
    }
    objects
}

fn bytes(header: &CopyHeader, snapshot: &Snapshot) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_to(&mut bytes, header, snapshot).unwrap();
    bytes
}

/// Puts the right checksum under bytes that were changed on purpose.
fn sealed(mut body: Vec<u8>) -> Vec<u8> {
    let checksum = XxHash3_128::oneshot(&body);
    body.extend(checksum.to_le_bytes());
    body
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        updates in proptest::collection::vec(update(), 0..60),
        position in "\\PC{0,40}",
        taken_at: i64,
    ) {
        let header = CopyHeader { position, taken_at: Timestamp::from_millis(taken_at) };
        let written = snapshot(updates);
        let (read_header, read) = read_from(bytes(&header, &written).as_slice()).unwrap();
        prop_assert_eq!(read_header, header);
        prop_assert_eq!(by_object(read.updates()), by_object(written.updates()));
        let now = Timestamp::from_millis(1_000);
        prop_assert_eq!(read.grants(now), written.grants(now));
    }
}

#[test]
fn every_changed_byte_is_found() {
    let whole = bytes(&header("7"), &small());
    assert!(read_from(whole.as_slice()).is_ok());
    for place in 0..whole.len() {
        for flip in [1_u8, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[place] ^= flip;
            assert!(read_from(changed.as_slice()).is_err(), "byte {place}");
        }
    }
}

#[test]
fn every_cut_and_every_appendix_is_found() {
    let whole = bytes(&header("7"), &small());
    for length in 0..whole.len() {
        assert!(
            matches!(read_from(&whole[..length]), Err(CopyError::Damaged(_))),
            "cut to {length}"
        );
    }
    for appendix in [&b"\0"[..], &whole] {
        let longer = [whole.as_slice(), appendix].concat();
        assert!(matches!(read_from(longer.as_slice()), Err(CopyError::Damaged(_))));
    }
}

/// A copy of these frames, its checksum right.
fn copy_of(objects: &[Frame<'_>], count: u64) -> Vec<u8> {
    let header = postcard::to_allocvec(&HeaderFrame::of(&header("7"))).unwrap();
    let objects = objects.iter().map(|frame| postcard::to_allocvec(frame).unwrap());
    let end = postcard::to_allocvec(&Frame::End(EndFrame { objects: count })).unwrap();
    let mut body = [MAGIC.as_slice(), &FORMAT.to_le_bytes()].concat();
    for frame in std::iter::once(header).chain(objects).chain([end]) {
        body.extend(u32::try_from(frame.len()).unwrap().to_le_bytes());
        body.extend(frame);
    }
    sealed(body)
}

#[test]
fn frames_are_counted() {
    assert!(read_from(copy_of(&[], 0).as_slice()).is_ok());
    assert!(matches!(
        read_from(copy_of(&[], 1).as_slice()),
        Err(CopyError::Damaged(_))
    ));
}

#[test]
fn nothing_is_in_a_copy_twice() {
    let request_of = |app| AccessRequestRecord {
        app_id: app,
        version_id: VersionId::from_uuid(uuid::Uuid::nil()),
        status: AccessRequestStatus::Approved,
    };
    let (one, other) = (AppId::from_uuid(uuid::Uuid::nil()), AppId::from_uuid(uuid::Uuid::max()));
    let snapshots = [one, other].map(|app| snapshot([request_of(app).into()]));
    let [first, second] = snapshots
        .each_ref()
        .map(|snapshot| snapshot.apps().next().map(AppFrame::of).unwrap());
    let both = [Frame::App(first), Frame::App(second)];
    let read = read_from(copy_of(&both, 2).as_slice()).unwrap().1;
    assert_eq!(read.apps().count(), 2);
    let [Frame::App(one), Frame::App(other)] = both else {
        unreachable!()
    };
    let again = snapshots[0].apps().next().map(AppFrame::of).unwrap();
    let thrice = [Frame::App(one), Frame::App(other), Frame::App(again)];
    assert!(matches!(
        read_from(copy_of(&thrice, 3).as_slice()),
        Err(CopyError::Damaged(_))
    ));
}

#[test]
fn a_key_of_two_apps_is_refused() {
    let key = |app: u128, credential: u128, hash: u8| {
        let record = CredentialRecord {
            id: CredentialId::from_uuid(uuid::Uuid::from_u128(credential)),
            app_id: AppId::from_uuid(uuid::Uuid::from_u128(app)),
            kind: CredentialKind::ApiKey,
            key_hash: Some(ApiKeyHash::from_bytes([hash; 32])),
            created_at: Timestamp::from_millis(0),
            expires_at: None,
            revoked_at: None,
        };
        snapshot([record.into()])
    };
    let is_read = |one: &Snapshot, other: &Snapshot| {
        let frames: Vec<Frame<'_>> = [one, other]
            .into_iter()
            .flat_map(Snapshot::apps)
            .map(|app| Frame::App(AppFrame::of(app)))
            .collect();
        read_from(copy_of(&frames, 2).as_slice()).is_ok()
    };
    assert!(is_read(&key(1, 1, 1), &key(2, 2, 2)));
    assert!(!is_read(&key(1, 1, 1), &key(2, 2, 1)), "the same key");
    assert!(!is_read(&key(1, 1, 1), &key(2, 1, 2)), "the same credential");
}

#[test]
fn a_state_of_another_version_is_refused_though_the_checksum_is_right() {
    let id = AppId::new();
    let app = AppRecord {
        id,
        developer_id: domain::id::DeveloperId::new(),
        status: AppStatus::Suspended,
        name: String::new(),
        reference_id: String::new(),
    };
    let whole = bytes(&header("7"), &snapshot([Update::from(app)]));
    let body = &whole[..whole.len() - 16];
    // Frame kind, id, "there is an app", developer: then the status.
    let id_at = body
        .windows(16)
        .position(|bytes| bytes == id.uuid().as_bytes())
        .unwrap();
    let status_at = id_at + 16 + 1 + 16;
    assert_eq!(body[status_at], 1);
    for (status, is_known) in [(0, true), (1, true), (2, false), (9, false)] {
        let mut changed = body.to_vec();
        changed[status_at] = status;
        assert_eq!(read_from(sealed(changed).as_slice()).is_ok(), is_known, "{status}");
    }
}

#[test]
fn another_format_and_another_file_are_named() {
    let mut other_format = bytes(&header("7"), &small());
    other_format[8] = 200;
    assert!(matches!(
        read_from(other_format.as_slice()),
        Err(CopyError::OtherFormat(200))
    ));
    assert!(matches!(
        read_from(&b"SQLite format 3\0 and so on"[..]),
        Err(CopyError::NotACopy)
    ));
    assert!(matches!(read_from(&b""[..]), Err(CopyError::Damaged(_))));
}

#[test]
fn a_missing_copy_is_told_apart() {
    let directory = TempDir::new().unwrap();
    assert!(matches!(
        read(&directory.path().join("snapshot")),
        Err(CopyError::Missing)
    ));
    assert!(matches!(read(directory.path()), Err(CopyError::Io(_))));
}

/// Takes so many bytes and then fails.
struct Disk<'a> {
    left: &'a Cell<usize>,
}

impl Write for Disk<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.left.get());
        if taken == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.left.set(self.left.get() - taken);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_write_that_fails_anywhere_is_an_error_and_leaves_the_old_copy() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("snapshot");
    let (old, new) = (snapshot([]), small());
    write(&path, &header("old"), &old).unwrap();
    let size = bytes(&header("new"), &new).len();
    for room in 0..size {
        let left = Cell::new(room);
        let result = private_file::replace(&path, |_| write_to(Disk { left: &left }, &header("new"), &new));
        assert!(
            matches!(&result, Err(CopyError::Io(error)) if error.kind() == io::ErrorKind::StorageFull),
            "{room}: {result:?}"
        );
        assert_eq!(read(&path).unwrap().0, header("old"), "{room}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "{room}");
    }
    write(&path, &header("new"), &new).unwrap();
    assert_eq!(read(&path).unwrap().0, header("new"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_an_error() {
    let device = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let result = write_to(device, &header("7"), &small());
    assert!(matches!(result, Err(CopyError::Io(error)) if error.kind() == io::ErrorKind::StorageFull));
}

#[test]
fn what_a_crash_left_is_overwritten_and_nobody_else_reads_the_copy() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("snapshot");
    fs::write(directory.path().join("snapshot.partial"), "half a copy").unwrap();
    write(&path, &header("7"), &small()).unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
