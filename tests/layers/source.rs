//! Reads Rust source just well enough to see what it imports.

/// Blanks comments, string and character literals, so that only code is left.
pub fn without_comments_and_texts(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    let starts = |at: usize, what: &str| {
        what.chars()
            .enumerate()
            .all(|(i, c)| chars.get(at + i) == Some(&c))
    };
    while at < chars.len() {
        let raw_hashes =
            (chars[at] == 'r').then(|| chars[at + 1..].iter().take_while(|c| **c == '#').count());
        let raw = raw_hashes.filter(|hashes| chars.get(at + 1 + hashes) == Some(&'"'));
        let joined = code
            .chars()
            .last()
            .is_some_and(|c| c.is_alphanumeric() || c == '_');
        if starts(at, "//") {
            at += chars[at..].iter().take_while(|c| **c != '\n').count();
        } else if starts(at, "/*") {
            let mut nested = 1;
            at += 2;
            while at < chars.len() && nested > 0 {
                let step = if starts(at, "/*") {
                    nested += 1;
                    2
                } else if starts(at, "*/") {
                    nested -= 1;
                    2
                } else {
                    1
                };
                at += step;
            }
        } else if let (Some(hashes), false) = (raw, joined) {
            let end = format!("\"{}", "#".repeat(hashes));
            at += hashes + 2;
            while at < chars.len() && !starts(at, &end) {
                at += 1;
            }
            at += end.len();
            code.push_str("\"\"");
        } else if chars[at] == '"' {
            at += 1;
            while at < chars.len() && chars[at] != '"' {
                at += if chars[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
            code.push_str("\"\"");
        } else if chars[at] == '\'' && (chars.get(at + 1) == Some(&'\\') || chars.get(at + 2) == Some(&'\''))
        {
            at += 2 + usize::from(chars[at + 1] == '\\');
            while at < chars.len() && chars[at] != '\'' {
                at += 1;
            }
            at += 1;
            code.push_str("' '");
        } else {
            code.push(chars[at]);
            at += 1;
        }
    }
    code
}

/// Every path that starts at the crate's root, without the root: `store::Store` of `crate::store::Store`. Groups in
/// braces are taken apart; `super::` is followed when it leads to the root of a file at that depth.
pub fn crate_paths(code: &str, depth: usize) -> Vec<String> {
    let mut paths = Vec::new();
    for root in ["crate::", "mesej::"] {
        for (at, _) in code.match_indices(root) {
            let before = code[..at].chars().last();
            if !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
                read_path(code[at + root.len()..].trim_start(), "", &mut paths);
            }
        }
    }
    let mut rest = code;
    while let Some(at) = rest.find("super::") {
        rest = &rest[at..];
        let mut ups = 0;
        while let Some(next) = rest.strip_prefix("super::") {
            ups += 1;
            rest = next;
        }
        if ups >= depth {
            read_path(rest, "", &mut paths);
        }
    }
    paths
}

fn read_path(text: &str, prefix: &str, paths: &mut Vec<String>) {
    if let Some(group) = text.strip_prefix('{') {
        let mut nested = 0;
        let mut start = 0;
        for (at, c) in group.char_indices() {
            match c {
                '{' => nested += 1,
                '}' if nested > 0 => nested -= 1,
                ',' | '}' if nested == 0 => {
                    let element = group[start..at].trim();
                    if !element.is_empty() {
                        read_path(element, prefix, paths);
                    }
                    start = at + 1;
                    if c == '}' {
                        return;
                    }
                }
                _ => {}
            }
        }
        return;
    }
    let name: String = text
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    let path = if prefix.is_empty() {
        name.clone()
    } else {
        format!("{prefix}::{name}")
    };
    match text[name.len()..].strip_prefix("::") {
        Some(more) if !name.is_empty() => read_path(more.trim_start(), &path, paths),
        _ => paths.push(path),
    }
}

/// Whether a path in the code starts with that outside crate.
pub fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let before = code[..at].chars().last();
        let after = code[at + name.len()..].chars().next();
        !before.is_some_and(|c| word(c) || c == '.')
            && !after.is_some_and(word)
            && !code[..at].ends_with("mod ")
            && code[at + name.len()..].trim_start().starts_with("::")
            && !code[..at].ends_with("store::")
    })
}
