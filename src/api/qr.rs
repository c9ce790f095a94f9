//! QR codes as paths of SVG, which a page draws without a library and without an image from elsewhere.

use qrcodegen::{DataTooLong, QrCode, QrCodeEcc};
use serde::Serialize;

/// The light margin that readers need, in modules (ISO/IEC 18004).
const MARGIN: i32 = 4;

/// A QR code.
#[derive(Debug, Serialize)]
pub(super) struct Drawn {
    /// Width and height of the view box, margin and all, in modules.
    size: i32,
    /// The dark modules: an SVG path's `d`.
    path: String,
}

/// Draws a text.
pub(super) fn drawn(text: &str) -> Result<Drawn, DataTooLong> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium)?;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size())
                .take_while(|x| code.get_module(*x, y))
                .fold(0, |run, _| run + 1);
            if run > 0 {
                path.push_str(&format!("M{} {}h{run}v1h-{run}z", x + MARGIN, y + MARGIN));
            }
            x += run + 1;
        }
    }
    Ok(Drawn {
        size: code.size() + 2 * MARGIN,
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The runs of a path: x, y and length of each.
    fn runs(path: &str) -> Vec<(i32, i32, i32)> {
        let all = path.split('M').skip(1).map(|run| {
            let (place, rest) = run.split_once('h').unwrap();
            let (x, y) = place.split_once(' ').unwrap();
            let (length, rest) = rest.split_once('v').unwrap();
            assert_eq!(rest, format!("1h-{length}z"));
            (x.parse().unwrap(), y.parse().unwrap(), length.parse().unwrap())
        });
        all.collect()
    }

    #[test]
    fn the_path_covers_the_dark_modules_and_leaves_the_margin() {
        let text =
            "otpauth://totp/Mesej:ana%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Mesej";
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).unwrap();
        let drawn = drawn(text).unwrap();
        let runs = runs(&drawn.path);
        assert_eq!(drawn.size, code.size() + 8);
        let dark = |x: i32, y: i32| {
            let covers =
                |(from, row, length): &(i32, i32, i32)| *row == y && (*from..from + length).contains(&x);
            runs.iter().any(covers)
        };
        for y in 0..drawn.size {
            for x in 0..drawn.size {
                assert_eq!(dark(x, y), code.get_module(x - 4, y - 4), "{x} {y}");
            }
        }
    }

    #[test]
    fn a_text_that_fits_into_no_code_is_refused() {
        assert!(drawn(&"x".repeat(2_332)).is_err());
    }
}
