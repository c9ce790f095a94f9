//! Words that many people use in passwords, by the habits that lead to them, also where no list of leaked ones has them.

/// In lower case, without digits: how they are disguised is not written here.
#[rustfmt::skip]
pub(super) const COMMON: &[&str] = &[
    // The thing itself, here and in other languages.
    "password", "passwort", "passwd", "passcode", "passphrase", "motdepasse", "contrasena", "rahasia", "katalaluan", "secret",
    // What one does with it.
    "letmein", "login", "logon", "signin", "access", "welcome", "hello", "changeme", "changethis", "please", "open", "enter",
    // Whose it is.
    "admin", "administrator", "root", "user", "username", "guest", "master", "account", "member", "agent", "operator",
    // What it is for.
    "default", "test", "testing", "demo", "temp", "temporary", "sample", "example", "server", "system", "database", "computer",
    "internet", "network", "online", "mail", "email", "gmail", "google", "facebook", "instagram", "whatsapp", "mesej", "message",
    "gateway", "inbox", "company", "business", "office", "support", "service", "customer", "sales", "team",
    // Love, luck and play.
    "iloveyou", "love", "lovely", "angel", "baby", "princess", "sunshine", "flower", "family", "friend", "friends", "forever", "happy",
    "lucky", "money", "freedom", "jesus", "whatever", "shadow", "killer", "ninja", "magic", "monkey", "dragon", "tiger", "banana",
    "chocolate", "cookie", "football", "baseball", "basketball", "soccer", "hockey", "liverpool", "chelsea", "arsenal", "barcelona",
    "superman", "batman", "spiderman", "pokemon", "starwars", "trustno", "mustang", "ferrari", "mercedes", "michael", "jordan",
    "charlie", "daniel", "jessica", "ashley", "thomas",
    // When it was chosen.
    "spring", "summer", "autumn", "winter", "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "today",
];

/// The keys of a keyboard in rows, and in the columns that lean to the left.
#[rustfmt::skip]
pub(super) const KEYS: &[&str] = &[
    "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "!@#$%^&*()", "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0",
    "qweasdzxc", "qazwsxedcrfvtgbyhnujmikolp", "1qa2ws3ed4rf5tg6yh7uj8ik9ol0p", "12qw34er56ty78ui90op", "123qweasdzxc",
];

/// The letters that a sign or digit often stands for.
pub(super) const fn disguised(sign: char) -> &'static [char] {
    match sign {
        '@' | '4' => &['a'],
        '8' => &['b'],
        '(' => &['c'],
        '3' => &['e'],
        '6' | '9' => &['g'],
        '1' | '!' | '|' => &['i', 'l'],
        '0' => &['o'],
        '$' | '5' => &['s'],
        '7' | '+' => &['t'],
        '2' => &['z'],
        _ => &[],
    }
}
