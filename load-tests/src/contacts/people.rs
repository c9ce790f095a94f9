//! Who stands in the file: the n-th contact, the same in each run.

/// Names from which people's are put together.
const FIRST: [&str; 24] = [
    "Ana", "Budi", "Citra", "Dewi", "Eko", "Fitri", "Gita", "Hadi", "Indra", "Joko", "Kartika", "Lestari",
    "Maya", "Nadia", "Oki", "Putri", "Rina", "Sari", "Tono", "Wulan", "José", "Zoë", "Núria", "Jürgen",
];
const LAST: [&str; 20] = [
    "Hidayat", "Kusuma", "Nugroho", "Permata", "Pratama", "Rahman", "Santoso", "Siregar", "Wibowo",
    "Yulianto", "Muñoz", "García", "Müller", "Schäfer", "Haddad", "Mansour", "Tan", "Lim", "Abdullah",
    "Costa",
];
const CITIES: [&str; 10] = [
    "Jakarta",
    "Bandung",
    "Surabaya",
    "Medan",
    "Kuala Lumpur",
    "Madrid",
    "Málaga",
    "Berlin",
    "Köln",
    "Dubai",
];
/// Countries of phones: what stands before the digits, and how many follow.
const COUNTRIES: [(&str, usize); 4] = [("62813", 8), ("346", 8), ("49151", 8), ("97150", 7)];

/// What nobody's name begins with but one in 10,000's.
pub const RARE: &str = "Xaverine";

/// Digits in another order, each once, so that contacts do not stand in the order of their phones.
fn scrambled(n: u32) -> u64 {
    u64::from(n) * 7_919 % 10_000_000
}

/// Something that looks like chance.
fn mixed(n: u32) -> u64 {
    u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20
}

fn one_of<'a>(all: &[&'a str], n: u64) -> &'a str {
    let at = usize::try_from(n).unwrap_or(0) % all.len().max(1);
    all.get(at).copied().unwrap_or("")
}

/// The n-th contact.
pub struct Person(pub u32);

impl Person {
    /// Digits with the country's code.
    pub fn phone(&self) -> String {
        let countries = COUNTRIES.len();
        let place = usize::try_from(self.0).unwrap_or(0) % countries;
        let (code, digits) = COUNTRIES.get(place).copied().unwrap_or(("62813", 8));
        let number = scrambled(self.0 / u32::try_from(countries).unwrap_or(1));
        format!("{code}{number:0digits$}")
    }

    pub fn name(&self) -> String {
        let by = mixed(self.0);
        let first = if self.0.is_multiple_of(10_000) {
            RARE
        } else {
            one_of(&FIRST, by)
        };
        format!("{first} {} {}", one_of(&LAST, by >> 5), self.0 % 1_000)
    }

    /// Half are customers, one in a hundred is a VIP.
    pub fn labels(&self) -> Vec<&'static str> {
        let by = mixed(self.0) >> 8;
        let labels = [
            (by.is_multiple_of(2), "customer"),
            ((by >> 1).is_multiple_of(100), "vip"),
        ];
        let labels = labels.into_iter().filter(|(has, _)| *has);
        labels.map(|(_, label)| label).collect()
    }

    /// One in ten stands on the list.
    pub fn is_regular(&self) -> bool {
        (mixed(self.0) >> 9).is_multiple_of(10)
    }

    /// One in a thousand is somebody's.
    pub fn is_owned(&self) -> bool {
        (mixed(self.0) >> 10).is_multiple_of(1_000)
    }

    pub fn city(&self) -> &'static str {
        one_of(&CITIES, mixed(self.0) >> 12)
    }

    pub fn points(&self) -> u64 {
        (mixed(self.0) >> 7) % 1_000
    }
}
