use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::super::PairFiles;
use super::*;

/// The year 2030 as the first day after a certificate that was made for a test.
const ENDS: Timestamp = Timestamp::from_secs(1_893_456_000);

/// A certificate that ends then, and its key, as PEM.
fn pair(ends: Timestamp) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["mesej.example".to_owned()]).unwrap();
    let since_epoch = std::time::Duration::from_secs(ends.as_secs().try_into().unwrap());
    params.not_after = rcgen::date_time_ymd(1970, 1, 1) + since_epoch;
    let certificate = params.self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

struct Scene {
    folder: tempfile::TempDir,
    tls: Tls,
    watch: Watch,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        write(folder.path(), &pair(ENDS));
        let tls = Tls::open(files(folder.path()), Timestamp::from_secs(0)).unwrap();
        let watch = Watch::of(&tls);
        Self { folder, tls, watch }
    }

    fn reread(&mut self, urgency: Urgency) {
        let found = files(self.folder.path()).read();
        self.watch
            .compare(found, urgency, ENDS.before(Duration::from_secs(1)));
    }

    /// The certificate that a client would be shown now.
    fn shown(&self) -> CertificateDer<'static> {
        let shown = self.tls.shown.0.read().unwrap();
        shown.cert.first().unwrap().clone()
    }
}

fn files(folder: &Path) -> PairFiles {
    PairFiles {
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
        refuses_exposed_key: true,
    }
}

fn write(folder: &Path, (certificate, key): &(String, String)) {
    std::fs::write(folder.join("certificate.pem"), certificate).unwrap();
    let file = folder.join("key.pem");
    std::fs::write(&file, key).unwrap();
    std::fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

#[test]
fn a_new_pair_is_shown_once_it_is_whole() {
    let mut scene = Scene::new();
    let (before, new) = (scene.shown(), pair(ENDS));
    std::fs::write(scene.folder.path().join("certificate.pem"), &new.0).unwrap();
    scene.reread(Urgency::OnceSettled);
    assert_eq!(scene.shown(), before);
    // The key follows before the files are read again.
    write(scene.folder.path(), &new);
    scene.reread(Urgency::OnceSettled);
    assert_eq!((scene.shown(), scene.watch.refused), (before, None));
    scene.reread(Urgency::OnceSettled);
    assert_eq!(scene.shown(), der(&new.0));
}

#[test]
fn whoever_asks_for_it_does_not_wait() {
    let mut scene = Scene::new();
    let new = pair(ENDS);
    write(scene.folder.path(), &new);
    scene.reread(Urgency::AtOnce);
    assert_eq!(scene.shown(), der(&new.0));
}

#[test]
fn what_cannot_be_used_is_told_once_and_the_pair_before_is_still_shown() {
    let mut scene = Scene::new();
    let (before, new) = (scene.shown(), pair(ENDS));
    let broken = |certificate: &str, key: &str| (certificate.to_owned(), key.to_owned());
    let ended = pair(ENDS.before(Duration::from_secs(1)));
    for bad in [
        broken(&new.0, &pair(ENDS).1),
        broken("", &new.1),
        broken(&new.0, "no key"),
        broken(
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            &new.1,
        ),
        ended,
    ] {
        write(scene.folder.path(), &bad);
        scene.reread(Urgency::OnceSettled);
        scene.reread(Urgency::OnceSettled);
        assert!(matches!(scene.watch.refused, Some(Refused::Held(_))), "{bad:?}");
        assert_eq!(scene.shown(), before);
    }
    std::fs::remove_file(scene.folder.path().join("key.pem")).unwrap();
    scene.reread(Urgency::OnceSettled);
    scene.reread(Urgency::OnceSettled);
    assert_eq!(scene.watch.refused, Some(Refused::Unread));
    write(scene.folder.path(), &new);
    scene.reread(Urgency::OnceSettled);
    scene.reread(Urgency::OnceSettled);
    assert_eq!((scene.shown(), scene.watch.refused), (der(&new.0), None));
}

#[test]
fn a_renewed_key_that_everybody_can_read_is_refused_as_the_next_start_would() {
    let mut scene = Scene::new();
    let before = scene.shown();
    // Every folder above it lets others through, as those of a real certificate do.
    let folder = scene.folder.path().to_owned();
    let open = |mode| {
        let key = folder.join("key.pem");
        std::fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        std::fs::set_permissions(key, Permissions::from_mode(mode)).unwrap();
    };
    let new = pair(ENDS);
    write(scene.folder.path(), &new);
    open(0o644);
    scene.reread(Urgency::AtOnce);
    assert_eq!(
        (scene.shown(), scene.watch.refused),
        (before, Some(Refused::Unread))
    );
    open(0o640);
    scene.reread(Urgency::OnceSettled);
    scene.reread(Urgency::OnceSettled);
    assert_eq!((scene.shown(), scene.watch.refused), (der(&new.0), None));
    // What is only told in development is shown.
    open(0o644);
    let tolerant = PairFiles {
        refuses_exposed_key: false,
        ..files(scene.folder.path())
    };
    assert!(tolerant.read().unwrap().0.is_exposed);
}

#[test]
fn an_expired_certificate_further_up_the_chain_keeps_no_renewed_one_from_being_shown() {
    let mut scene = Scene::new();
    let (leaf, key) = pair(ENDS);
    let (cross_signed, _) = pair(ENDS.before(Duration::from_hours(24)));
    write(scene.folder.path(), &(format!("{leaf}{cross_signed}"), key));
    scene.reread(Urgency::AtOnce);
    assert_eq!((scene.shown(), scene.watch.refused), (der(&leaf), None));
}

#[test]
fn the_end_of_a_certificate_is_read_from_it() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &pair(ENDS));
    let (bytes, _) = files(folder.path()).read().unwrap();
    let read = Pair::of(&bytes, &ring::default_provider()).unwrap();
    assert_eq!(read.expires, ENDS);
    // Of a chain, the first that ends.
    let sooner = ENDS.before(Duration::from_hours(24));
    let (leaf, key) = pair(ENDS);
    write(folder.path(), &(leaf + &pair(sooner).0, key));
    let (bytes, _) = files(folder.path()).read().unwrap();
    let read = Pair::of(&bytes, &ring::default_provider()).unwrap();
    assert_eq!(read.expires, sooner);
}

#[test]
fn nothing_of_a_key_is_in_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = pair(ENDS);
    let secret: String = key.lines().nth(1).unwrap().chars().take(16).collect();
    for bad in [
        key.replace("PRIVATE KEY", "PUBLIC KEY"),
        key.replace("-----END", "-----ENT"),
        key.replace(&secret, "????????????????"),
        secret.clone(),
    ] {
        write(folder.path(), &(certificate.clone(), bad));
        let error = Tls::open(files(folder.path()), Timestamp::from_secs(0)).unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(!told.contains(&secret) && told.len() < 300, "{told}");
    }
}
