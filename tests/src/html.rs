//! What a reader finds on a page, whatever it is drawn with.

/// The names of a page's pictures in their order, as a screen reader tells them.
///
/// # Panics
/// A picture has no name.
#[must_use]
pub fn pictures(html: &str) -> Vec<&str> {
    let pictures = html.split("role=\"img\"").skip(1);
    pictures
        .map(|rest| {
            let tag = rest.split('>').next().unwrap_or_default();
            let label = tag.split_once("aria-label=\"").expect("a picture has a name").1;
            label.split('"').next().unwrap_or_default()
        })
        .collect()
}

/// Asserts that a run's report shows all its pictures: the overview, three for each of `kernels`
/// kernels, and the input's spectrum.
///
/// # Panics
/// It shows others.
#[track_caller]
pub fn assert_report_pictures(html: &str, kernels: usize) {
    // Charts across the page are there twice: for a desk and for a phone.
    let of_kernel = ["Latency distribution", "Cumulative distribution, "];
    let mut expected = vec!["Latency and deadline"; 2];
    if kernels > 1 {
        expected.extend(["Cumulative distributions, all kernels"; 2]);
    }
    for _ in 0..kernels {
        expected.extend(of_kernel);
        expected.extend(["Latency over time"; 2]);
    }
    expected.extend(["Power spectral density of the input"; 2]);
    let pictures = pictures(html);
    let same = pictures.iter().zip(&expected).all(|(name, start)| name.starts_with(start));
    assert!(same && pictures.len() == expected.len(), "{pictures:#?}");
}
