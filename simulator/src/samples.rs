//! The files that customers send: made when fetched, the same each time, so that none is stored.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::graph::validate::MediaKind;
use super::media::Media;

/// Half a second of silence: Ogg with Opus, mono.
const VOICE_NOTE: &str = "\
T2dnUwACAAAAAAAAAAABAAAAAAAAAFedtgsBE09wdXNIZWFkAQE4AYA+AAAAAABPZ2dTAAAAAAAAAAAAAAEAAAABAAAAOEufhgEV\
T3B1c1RhZ3MFAAAAbWVzZWoAAAAAT2dnUwAEwF0AAAAAAAABAAAAAgAAAAlrwzUZAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA/j/\
/vj//vj//vj//vj//vj//vj//vj//vj//vj//vj//vj//vj//vj//vj//vj//vj//vj//vj//vj//vj//vj//vj//vj//vj//g==\
";

/// A smiling face: lossless WebP, 512 by 512.
const STICKER: &str = "\
UklGRgQFAABXRUJQVlA4TPcEAAAv/8F/EI04cttGkmBbt/7/i1NVSfUs54j+T4D+5iR30qORCY4yIbgl2GVIvYgSQSNrRy6WvKLj\
ljbe99xBKShTVvvbPAfPyhutgFWSGQPyjFZGy40HvFr7SNBLzgSdtARnGZCAg2m49Z0NECNJjtsgT8THcBSWf97d7oEyMAIBQokI\
/zVKhASExxZIjgsIivwfzRUkq22D5PD0QPYwuJe0zwEd+8v2X7b/sv2X7b9s/2X7L9teeeU/E5yd23694Or4/mB0Nvb9867O+d7K\
1S7bTU022W5usscWxOQKE4zwgwlJOMEEJjxgwhPqM0kQujOpEIKjhIDaTFKEzCg1IDFKD+jLpEgIixIFoqJkgaAoYSAmShoIicwH\
1tdXXgKQD5UARETdOw3B2IKAbKiXO4nFdjUpE9vbpDRsA4CVX195A5Arv77yBiBXfn3l+76P/xFDBjyA/WX7L//jCEplaDt7wkG3\
fL2JOamXtbcvJw1z98blpGQGn1mcmll8XnGKZvJZxTVqNpt1AeEp1adFc9q4iwarX5/D02kSrZnbRl4kaEzdlvlt6MWBptQtmePG\
XhTwXxqy3Y55bvDFgEWg5/kolwsbMQRWpcsXOQ9JzPNV+MU3o/t/BeJGjOj7QGHrPHlku3Y2oYhxQAdhc8m37itAW/Ld8LM/rSa5\
HloSOeKiZ37llSwyT+BYiLbM93vveQIrzhFFkdX2hMgRN3sT/fNebDvwSDinK5u66HO4W8SqKJpvx28RzPSoYjmHyBEHE/9fVr/l\
HNpWAuzMcaeIk3Nc/ZZzWP+y+i3n8PyX1e95Dj0nCb6nHJEjbriXjisDNmMe6LmSniOhI37glBVhIHLEHXeoM2BBFJEjfgY7Ezli\
DyqRI16DFKEjbvmSzlvPEzliP050lTofPGULy7BeLvT3DjDmfAPmk4Tq5AILkVM/z2fBu38dZEdQNgWyn/0TqfyYD7b/Jx6X/4lH\
dn+j4r//jvz358i7v4G3njMPTZf7ecjpk3+J+hmUJaPMPpI+HlG4f0YminYfkCTf+eByslrm8f7TqOdJbyakbDCgQP7JVeK6D6jJ\
v5IA6SkqHwYkvh5Q7UoWLfiBKN+2i9nMLLeUv9HX5Mse0es3HxS/dSe0HtCy/Mp/lNuUfoO/JCkqXgGu/zZKrNMJpJ/+D6AhyKRI\
IfRGU3S/OfKKn9bXApz2x4Nm9N8d4nx7Hg+cY//vVArpwgAijbguQDr5VeotqurzV2iBuNwtkFY6J+LP/aVSec1T3Je5nAf610wV\
j1eyhWIe9TJLlvsV3GN8l4s5NPkdiCmuAojLtagqkOQcbXR5AGWViRkl9vtT6vcuc+qcOLqcR+vHee6NdNIFEZdzawdpnlsipTRJ\
uN/OXy6uDOJy9h0iz3MHRjNNLt3/ur9yXOamy7l6knSerPsOqI6q2ifFDGj1vxkZKlbJs4eSw7r3Qb8qf97QcFj3PrhfOcf7yrG/\
bGdlwELlZ8NZtl8/XJxt33R59Hvx6J8sj/5zUKx9krU/Stb+AQjmA9b+WSjMB5jvgP2bTvNzh/lLL1quv7NGWoKMkZ4gW6QpIFNG\
VyJHpC7IDykMyI1RmcgNyeyeESM4kQsjO5EFIz4Rn7GAiMwYQcRk7CCIZnPFFMXmjunuNpdM3NXXL9cBl9dX18/yx/Rvv8Cxv2z/\
Zfsv23/Z/sv2X7b/sumRAwA=\
";

/// A kind as a digit in a media id.
pub(crate) const fn number(kind: MediaKind) -> u64 {
    match kind {
        MediaKind::Image => 0,
        MediaKind::Audio => 1,
        MediaKind::Document => 2,
        MediaKind::Sticker => 3,
        MediaKind::Video => 4,
    }
}

/// The file behind such a digit. There is no film.
pub(crate) fn media(number: u64, chance: u64) -> Option<Media> {
    let (mime, bytes) = match number {
        0 => ("image/png", picture(chance)),
        1 => ("audio/ogg; codecs=opus", decoded(VOICE_NOTE)?),
        2 => ("application/pdf", document(chance)),
        3 => ("image/webp", decoded(STICKER)?),
        _ => return None,
    };
    Some(Media {
        mime: mime.to_owned(),
        bytes: Bytes::from(bytes),
    })
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

const WIDTH: u32 = 240;
const HEIGHT: u32 = 180;

/// A picture of a hill before a sky, in colours of chance: PNG with a palette.
fn picture(chance: u64) -> Vec<u8> {
    let [sky, sun, hill, field, ..] = chance.to_be_bytes();
    let palette = [
        [150 + sky % 80, 190 + sky % 50, 240],
        [255, 190 + sun % 60, 60],
        [40 + hill % 60, 90 + hill % 80, 60],
        [90 + field % 90, 150 + field % 60, 70],
    ];
    let centre = 40 + u32::from(sun) % 160;
    let slope = 1 + u32::from(hill) % 3;
    let mut rows = Vec::new();
    for y in 0..HEIGHT {
        // No filter in any row.
        rows.push(0);
        for x in 0..WIDTH {
            let ridge = 70 + x.abs_diff(centre).min(90) / slope;
            let from_sun = x.abs_diff(WIDTH - 50).pow(2) + y.abs_diff(40).pow(2);
            rows.push(match (from_sun < 400, y > 130, y > ridge) {
                (_, true, _) => 3,
                (_, _, true) => 2,
                (true, ..) => 1,
                _ => 0,
            });
        }
    }
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut head = [WIDTH.to_be_bytes(), HEIGHT.to_be_bytes()].concat();
    // Eight bits, palette, the one compression, the one filter method, no interlacing.
    head.extend_from_slice(&[8, 3, 0, 0, 0]);
    chunk(&mut png, b"IHDR", &head);
    chunk(&mut png, b"PLTE", &palette.concat());
    chunk(&mut png, b"IDAT", &stored(&rows));
    chunk(&mut png, b"IEND", &[]);
    png
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    png.extend_from_slice(&u32::try_from(data.len()).unwrap_or(0).to_be_bytes());
    let mut sum = crc32fast::Hasher::new();
    sum.update(kind);
    sum.update(data);
    png.extend_from_slice(kind);
    png.extend_from_slice(data);
    png.extend_from_slice(&sum.finalize().to_be_bytes());
}

/// A zlib stream without compression.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let mut blocks = data.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(0);
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend_from_slice(&length.to_le_bytes());
        stream.extend_from_slice(&(!length).to_le_bytes());
        stream.extend_from_slice(block);
    }
    let (low, high) = data.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    stream.extend_from_slice(&((high << 16) | low).to_be_bytes());
    stream
}

/// A page with one line.
fn document(chance: u64) -> Vec<u8> {
    let line = format!("BT /F1 24 Tf 72 720 Td (Receipt {:06}) Tj ET", chance % 1_000_000);
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources \
         << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{line}\nendstream", line.len()),
    ];
    let mut pdf = "%PDF-1.4\n".to_owned();
    let mut table = "0000000000 65535 f \n".to_owned();
    for (number, object) in (1..).zip(&objects) {
        let _ = writeln!(table, "{:010} 00000 n ", pdf.len());
        let _ = writeln!(pdf, "{number} 0 obj\n{object}\nendobj");
    }
    let start = pdf.len();
    let _ = writeln!(
        pdf,
        "xref\n0 5\n{table}trailer << /Size 5 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF"
    );
    pdf.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_begins_as_its_kind_does() {
        for (number, magic) in [
            (0, b"\x89PNG".as_slice()),
            (1, b"OggS"),
            (2, b"%PDF"),
            (3, b"RIFF"),
        ] {
            assert!(media(number, 5).unwrap().bytes.starts_with(magic), "{number}");
        }
        assert!(media(4, 5).is_none());
    }

    #[test]
    fn pictures_differ() {
        assert_ne!(picture(1), picture(u64::MAX));
    }
}
