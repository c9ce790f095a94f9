//! What a file is, by its first bytes: what it is said to be must be no lie.
//!
//! No file is opened up or drawn here. Whatever it is, it is only ever handed out as an attachment.

use std::sync::Arc;

use crate::domain::MediaKind;
use crate::domain::media::bare_type;

/// So many of the first bytes say what a file is.
pub const HEAD: usize = 8 << 10;

/// What a file of unknown content is called.
pub const UNKNOWN: &str = "application/octet-stream";

/// Types that share a container, so that the first bytes tell no more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    /// MP4 and what came of it.
    Iso,
    Ogg,
    /// Office's newer files are archives.
    Zip,
    /// Office's older files.
    Ole,
    /// Texts have no first bytes of their own.
    Text,
    /// Frames without a head: old players begin anywhere.
    Frames,
    Other,
}

fn container(mime: &str) -> Container {
    match mime {
        "video/mp4" | "video/3gpp" | "video/3gpp2" | "video/quicktime" | "video/x-m4v" | "audio/mp4"
        | "audio/m4a" | "audio/x-m4a" | "audio/3gpp" => Container::Iso,
        "audio/ogg" | "audio/opus" | "video/ogg" | "application/ogg" => Container::Ogg,
        "application/zip"
        | "application/x-zip-compressed"
        | "application/vnd.android.package-archive"
        | "application/java-archive"
        | "application/epub+zip" => Container::Zip,
        "application/msword"
        | "application/vnd.ms-excel"
        | "application/vnd.ms-powerpoint"
        | "application/x-ole-storage" => Container::Ole,
        "audio/aac" | "audio/amr" | "audio/mpeg" => Container::Frames,
        _ if mime.starts_with("application/vnd.openxmlformats-officedocument")
            || mime.starts_with("application/vnd.oasis.opendocument")
            || mime.starts_with("application/vnd.ms-") && mime.contains(".macroenabled.") =>
        {
            Container::Zip
        }
        "application/json" | "application/xml" => Container::Text,
        _ if mime.starts_with("text/") => Container::Text,
        _ => Container::Other,
    }
}

/// What the first bytes are, if they are known.
fn found(head: &[u8]) -> Option<(&'static str, infer::MatcherType)> {
    if head.starts_with(b"#!AMR") {
        // Its first bytes are those of a script, too.
        return Some(("audio/amr", infer::MatcherType::Audio));
    }
    let known = infer::get(head).map(|kind| (kind.mime_type(), kind.matcher_type()));
    // Brands of it are added faster than a list of them can follow: 3GPP has a dozen.
    let is_iso = head.get(4..8) == Some(b"ftyp");
    known.or(is_iso.then_some(("video/mp4", infer::MatcherType::Video)))
}

/// Whether the bytes look like a text: no control characters but line ends and tabs.
fn looks_like_text(head: &[u8]) -> bool {
    let steers = |unit: u16| matches!(unit, 0..=8 | 11 | 14..=26 | 28..=31 | 127);
    let wide = |of: fn([u8; 2]) -> u16| {
        let units = head.chunks_exact(2);
        units.filter_map(|unit| unit.try_into().ok()).map(of).any(steers)
    };
    match head {
        [0xff, 0xfe, ..] => !wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => !wide(u16::from_be_bytes),
        _ => !head.iter().any(|byte| steers(u16::from(*byte))),
    }
}

/// What a file that a customer sent is found to be, or why it is not kept. Meta has it for seven days alone, so what is a file of
/// its kind under another name is kept as what it is, and a document in any case: it is only ever handed out as an attachment.
pub fn received(kind: MediaKind, declared: Option<&str>, head: &[u8]) -> Result<Arc<str>, Arc<str>> {
    refuse_program(head)?;
    check(kind, declared, head).or_else(|refusal| match found(head) {
        Some((mime, of)) if of != infer::MatcherType::Text && fits(kind, mime) => Ok(mime.into()),
        _ if kind == MediaKind::Document => Ok(UNKNOWN.into()),
        _ => Err(refusal),
    })
}

fn refuse_program(head: &[u8]) -> Result<(), Arc<str>> {
    match found(head) {
        // Two letters make no program of a text.
        Some((mime, infer::MatcherType::App)) if is_program(mime) && !looks_like_text(head) => {
            Err(format!("it is a program ({mime})").into())
        }
        _ => Ok(()),
    }
}

/// What a file is found to be, or why it is not what it is said to be.
pub fn check(kind: MediaKind, declared: Option<&str>, head: &[u8]) -> Result<Arc<str>, Arc<str>> {
    let declared = declared.and_then(bare_type).filter(|mime| mime != UNKNOWN);
    let found = found(head);
    refuse_program(head)?;
    let Some(declared) = declared else {
        let mime = found.map_or(UNKNOWN, |(mime, _)| mime);
        return fits(kind, mime)
            .then(|| mime.into())
            .ok_or_else(|| format!("it is {mime}, which is no {}", kind.as_str()).into());
    };
    if !fits(kind, &declared) {
        return Err(format!("{declared} is no {}", kind.as_str()).into());
    }
    let agrees = match (container(&declared), found) {
        (Container::Text, None) => looks_like_text(head),
        // A text may look like the beginning of something else; what it is called is what it is shown as.
        (Container::Text, Some((mime, of))) => {
            of == infer::MatcherType::Text || begins_like_a_text(mime) && looks_like_text(head)
        }
        (Container::Frames, None) => !looks_like_text(head),
        (Container::Other, None) => !has_known_beginning(&declared),
        (_, None) => false,
        (Container::Other | Container::Frames, Some((mime, _))) => {
            mime == declared || same_but_for_its_name(mime, &declared)
        }
        (container_of, Some((mime, _))) => container(mime) == container_of,
    };
    if agrees {
        return Ok(declared.into());
    }
    let is = found.map_or("something else", |(mime, _)| mime);
    Err(format!("it is said to be {declared} and is {is}").into())
}

/// The type that a browser is told: of what it only ever shows or plays. What it might run or draw as a page is bytes to it.
pub fn served_as(mime: Option<&str>) -> &'static str {
    const SHOWN: [&str; 22] = [
        "image/jpeg",
        "image/png",
        "image/gif",
        "image/webp",
        "audio/aac",
        "audio/amr",
        "audio/mpeg",
        "audio/mp4",
        "audio/ogg",
        "audio/opus",
        "audio/3gpp",
        "video/mp4",
        "video/3gpp",
        "video/3gpp2",
        "video/quicktime",
        "video/ogg",
        "text/plain",
        "application/pdf",
        "application/msword",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ];
    let bare = mime.and_then(bare_type).unwrap_or_default();
    SHOWN.into_iter().find(|shown| *shown == bare).unwrap_or(UNKNOWN)
}

/// Whether files of a type are sent as this kind.
fn fits(kind: MediaKind, mime: &str) -> bool {
    match kind {
        MediaKind::Image => mime.starts_with("image/") && mime != "image/svg+xml",
        MediaKind::Sticker => mime == "image/webp",
        MediaKind::Video => mime.starts_with("video/"),
        MediaKind::Audio => {
            mime.starts_with("audio/") || matches!(container(mime), Container::Iso | Container::Ogg)
        }
        MediaKind::Document => true,
    }
}

/// Types that are known by two or three letters, with which a text may begin, too.
fn begins_like_a_text(mime: &str) -> bool {
    matches!(
        mime,
        "image/bmp"
            | "audio/mpeg"
            | "application/postscript"
            | "application/x-shockwave-flash"
            | "application/x-bzip2"
            | "application/vnd.microsoft.portable-executable"
    )
}

/// Types whose files always begin in the same way: one that does not is none.
fn has_known_beginning(mime: &str) -> bool {
    matches!(
        mime,
        "image/jpeg" | "image/png" | "image/webp" | "image/gif" | "application/pdf"
    ) || mime.starts_with("video/")
}

fn same_but_for_its_name(found: &str, declared: &str) -> bool {
    matches!(
        (found, declared),
        ("audio/aac" | "audio/mpeg", "audio/aac" | "audio/mpeg")
            | ("image/jpeg", "image/jpg")
            | ("image/heif", "image/heic")
            | ("audio/x-wav", "audio/wav")
            | ("application/gzip", "application/x-gzip")
            | ("application/vnd.rar", "application/x-rar-compressed")
    )
}

fn is_program(mime: &str) -> bool {
    matches!(
        mime,
        "application/vnd.microsoft.portable-executable"
            | "application/x-executable"
            | "application/x-mach-binary"
            | "application/java"
            | "application/vnd.android.dex"
            | "application/vnd.android.dey"
            | "application/wasm"
            | "application/x-llvm"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01";
    const MP4: &[u8] = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2";
    const PDF: &[u8] = b"%PDF-1.7\n1 0 obj";
    const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\x08\0";
    const HTML: &[u8] = b"<!DOCTYPE html><html><script>alert(1)</script>";
    const SVG: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";
    const EXE: &[u8] = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0";
    const ELF: &[u8] = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

    #[test]
    fn what_is_what_it_says_is_taken() {
        for (kind, declared, head, is) in [
            (MediaKind::Image, Some("image/png"), PNG, "image/png"),
            (MediaKind::Image, Some("IMAGE/JPEG; q=1"), JPEG, "image/jpeg"),
            (MediaKind::Image, None, PNG, "image/png"),
            (MediaKind::Video, Some("video/mp4"), MP4, "video/mp4"),
            (
                MediaKind::Video,
                Some("video/3gpp"),
                b"\0\0\0\x18ftyp3gp4\0\0\x02\0isom3gp4",
                "video/3gpp",
            ),
            (
                MediaKind::Video,
                Some("video/3gpp"),
                b"\0\0\0\x1cftyp3gp5\0\0\0\x013gp53gp4",
                "video/3gpp",
            ),
            (
                MediaKind::Video,
                Some("video/mp4"),
                b"\0\0\0\x1cftypiso8\0\0\0\x01iso8mp42",
                "video/mp4",
            ),
            (
                MediaKind::Document,
                Some("text/csv"),
                b"BMW,1\nAudi,2",
                "text/csv",
            ),
            (
                MediaKind::Document,
                Some("text/csv"),
                b"MZ,Mozambique\nMY,Malaysia",
                "text/csv",
            ),
            (
                MediaKind::Document,
                Some("text/plain"),
                b"\xff\xfeh\0i\0\r\0\n\0",
                "text/plain",
            ),
            (
                MediaKind::Document,
                Some("application/x-zip-compressed"),
                ZIP,
                "application/x-zip-compressed",
            ),
            (MediaKind::Audio, Some("audio/mp4"), MP4, "audio/mp4"),
            (
                MediaKind::Audio,
                Some("audio/ogg; codecs=opus"),
                b"OggS\0\x02",
                "audio/ogg",
            ),
            (MediaKind::Audio, Some("audio/amr"), b"#!AMR\n", "audio/amr"),
            (
                MediaKind::Audio,
                Some("audio/mpeg"),
                b"\xff\xe3\x18\xc4\0",
                "audio/mpeg",
            ),
            (
                MediaKind::Document,
                Some("application/pdf"),
                PDF,
                "application/pdf",
            ),
            (MediaKind::Document, Some(DOCX), ZIP, DOCX),
            (
                MediaKind::Document,
                Some("text/plain"),
                "Grüße\r\n".as_bytes(),
                "text/plain",
            ),
            (MediaKind::Document, Some("text/csv"), b"a,b\n1,2", "text/csv"),
            (MediaKind::Document, Some("text/html"), HTML, "text/html"),
            (
                MediaKind::Document,
                Some("application/x-own"),
                b"\0\x01\x02",
                "application/x-own",
            ),
            (MediaKind::Document, None, b"\0\x01\x02", UNKNOWN),
        ] {
            assert_eq!(check(kind, declared, head).as_deref(), Ok(is), "{declared:?}");
        }
    }

    #[test]
    fn a_customers_document_is_kept_whatever_it_is_called_and_a_program_is_not() {
        for (declared, head, is) in [
            ("application/vnd.ms-excel", &b"a;b\n1;2"[..], UNKNOWN),
            ("application/pdf", HTML, UNKNOWN),
            ("application/pdf", ZIP, "application/zip"),
            ("text/plain", PDF, "application/pdf"),
            ("text/plain", b"a\0b", UNKNOWN),
            ("application/msword", b"{\\rtf1 hello}", "application/rtf"),
            (
                "application/x-rar-compressed",
                b"Rar!\x1a\x07\0abc",
                "application/x-rar-compressed",
            ),
            ("text/plain\r\nX: y", PDF, "application/pdf"),
        ] {
            let kept = received(MediaKind::Document, Some(declared), head);
            assert_eq!(kept.as_deref(), Ok(is), "{declared}");
        }
        for program in [EXE, ELF] {
            assert!(received(MediaKind::Document, Some("application/pdf"), program).is_err());
        }
        // Phones name pictures and sounds by each other's types.
        for (kind, declared, head, is) in [
            (MediaKind::Image, "image/jpeg", PNG, "image/png"),
            (MediaKind::Image, "image/png", JPEG, "image/jpeg"),
            (MediaKind::Audio, "audio/aac", b"OggS\0\x02", "audio/ogg"),
        ] {
            assert_eq!(
                received(kind, Some(declared), head).as_deref(),
                Ok(is),
                "{declared}"
            );
        }
        for head in [HTML, SVG, PDF] {
            assert!(received(MediaKind::Image, Some("image/png"), head).is_err());
        }
    }

    #[test]
    fn what_is_something_else_is_refused_with_a_reason() {
        for (kind, declared, head) in [
            (MediaKind::Image, Some("image/png"), HTML),
            (MediaKind::Image, Some("image/jpeg"), PNG),
            (MediaKind::Image, Some("image/svg+xml"), SVG),
            (MediaKind::Image, Some("image/png"), SVG),
            (MediaKind::Image, None, PDF),
            (MediaKind::Image, Some("text/html"), HTML),
            (MediaKind::Sticker, Some("image/png"), PNG),
            (MediaKind::Video, Some("video/mp4"), b"\0\x01\x02"),
            (MediaKind::Audio, Some("audio/mpeg"), HTML),
            (MediaKind::Document, Some("application/pdf"), ZIP),
            (MediaKind::Document, Some("application/pdf"), b"hello"),
            (MediaKind::Document, Some("text/plain"), PDF),
            (MediaKind::Document, Some("text/plain"), b"a\0b"),
            (MediaKind::Document, Some("application/zip"), EXE),
            (MediaKind::Document, None, ELF),
        ] {
            let refused = check(kind, declared, head);
            assert!(refused.is_err(), "{declared:?}: {refused:?}");
        }
    }
}
