//! The figures of docs/performance.md: what a test measures is compared with what the page says.

use std::path::Path;

/// How far a documented figure may be from the measured one: rounding, and what two compilers
/// differ by.
const TOLERANCE: f64 = 0.05;

/// Fails when the page's figure in the row that begins with `row` and the column called `column`
/// is more than 5 % off `measured`; says so when the page has no such figure.
///
/// # Panics
/// When it is off, or when the page has no figure there.
pub fn check_board_figure(row: &str, column: &str, measured: f64) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance.md");
    let page = std::fs::read_to_string(path).expect("the page is part of the checkout");
    let documented = figure(&page, row, column)
        .unwrap_or_else(|| panic!("docs/performance.md has no figure for {row}, {column}"));
    assert!(
        (documented - measured).abs() <= TOLERANCE * measured,
        "docs/performance.md says {documented} for {row}, {column}; measured: {measured:.1}"
    );
}

/// The number in a Markdown table: any row above the figure may name its column.
fn figure(page: &str, row: &str, column: &str) -> Option<f64> {
    let mut at = None;
    for line in page.lines() {
        let Some(line) = line.strip_prefix('|') else {
            at = None; // the table is over
            continue;
        };
        let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        at = cells.iter().position(|cell| *cell == column).or(at);
        if cells.first() == Some(&row)
            && let Some(cell) = at.and_then(|at| cells.get(at))
        {
            return cell.replace(',', "").parse().ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::figure;

    #[test]
    fn figures_are_found_by_row_and_column() {
        let page = "| | A | B |\n|---|---:|---:|\n| as | a | b |\n| `car` | 58 | 1,567 |\n\ntext\n\n\
                    | image | flash |\n|---|---|\n| b | 9 |\n";
        assert_eq!(figure(page, "car", "b"), Some(1567.0));
        assert_eq!(figure(page, "car", "A"), Some(58.0));
        assert_eq!(figure(page, "b", "flash"), Some(9.0));
        assert_eq!(figure(page, "b", "a"), None);
        assert_eq!(figure(page, "noop", "a"), None);
    }
}
