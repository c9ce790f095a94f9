//! `multipart/form-data`, as far as an upload needs it.

use bytes::Bytes;

/// One part of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) mime: Option<String>,
    pub(super) data: Bytes,
}

/// The parts of a body; `None` when it is no such form.
pub(super) fn parts(content_type: &str, body: &Bytes) -> Option<Vec<Part>> {
    let parameters = content_type.strip_prefix("multipart/form-data")?;
    let boundary = parameter(parameters, "boundary")?;
    let fence = [b"--", boundary.as_bytes()].concat();
    let separator = [b"\r\n", fence.as_slice()].concat();
    let mut at = find(body, &fence, 0)? + fence.len();
    let mut parts = Vec::new();
    loop {
        if body.get(at..at + 2)? == b"--" {
            return Some(parts);
        }
        let head_start = find(body, b"\r\n", at)? + 2;
        let head_end = find(body, b"\r\n\r\n", at)?;
        let data_start = head_end + 4;
        let data_end = find(body, &separator, head_end + 2)?;
        let head = std::str::from_utf8(body.get(head_start.min(head_end)..head_end)?).ok()?;
        let data = if data_start <= data_end {
            body.slice(data_start..data_end)
        } else {
            Bytes::new()
        };
        parts.push(part(head, data)?);
        at = data_end + separator.len();
    }
}

fn part(head: &str, data: Bytes) -> Option<Part> {
    let mut name = None;
    let mut mime = None;
    for line in head.split("\r\n") {
        let (key, value) = line.split_once(':')?;
        let value = value.trim();
        if key.eq_ignore_ascii_case("content-disposition") {
            name = parameter(value, "name");
        } else if key.eq_ignore_ascii_case("content-type") {
            mime = Some(value.to_owned());
        }
    }
    Some(Part {
        name: name?,
        mime,
        data,
    })
}

/// `key=value` or `key="value"` among parameters with semicolons.
fn parameter(text: &str, key: &str) -> Option<String> {
    text.split(';').find_map(|piece| {
        let (name, value) = piece.trim().split_once('=')?;
        name.eq_ignore_ascii_case(key)
            .then(|| value.trim_matches('"').to_owned())
    })
}

fn find(text: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let first = *wanted.first()?;
    let mut at = from;
    loop {
        let step = text.get(at..)?.iter().position(|byte| *byte == first)?;
        at += step;
        if text.get(at..)?.starts_with(wanted) {
            return Some(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_files_are_told_apart() {
        let body = Bytes::from_static(
            b"--x1\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n\
              --x1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a;b.png\"\r\n\
              Content-Type: image/png\r\n\r\n\x89PNG\r\n--x\r\nend\r\n\
              --x1\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--x1--\r\n",
        );
        let parts = parts("multipart/form-data; boundary=\"x1\"", &body).unwrap();
        assert_eq!(parts[0].name, "messaging_product");
        assert_eq!(&parts[0].data[..], b"whatsapp");
        assert_eq!(parts[1].mime.as_deref(), Some("image/png"));
        assert_eq!(&parts[1].data[..], b"\x89PNG\r\n--x\r\nend");
        assert!(parts[2].data.is_empty());
    }

    #[test]
    fn a_form_that_is_cut_off_is_none() {
        let body = Bytes::from_static(b"--x1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb");
        assert_eq!(parts("multipart/form-data; boundary=x1", &body), None);
        assert_eq!(parts("application/json", &body), None);
    }
}
