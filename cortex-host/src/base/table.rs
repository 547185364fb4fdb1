//! Tables of text: columns as wide as their widest cell, for terminals and Markdown.

/// Which columns are set to the left; the others, numbers mostly, to the right.
type Left = fn(usize) -> bool;

/// The columns of a table.
#[derive(Clone, Debug)]
pub struct Columns {
    /// Width of each in characters.
    pub widths: Vec<usize>,
    left: Left,
}

impl Columns {
    /// Columns that hold all of `rows`, at least one character wide.
    pub fn of<'a>(rows: impl Iterator<Item = &'a Vec<String>>, left: Left) -> Self {
        let mut widths = Vec::new();
        for row in rows {
            widths.resize(widths.len().max(row.len()), 1);
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        Self { widths, left }
    }

    /// The cells of `row` filled up with blanks; those it lacks are all blank.
    pub fn cells(&self, row: &[String]) -> Vec<String> {
        let padded = |(column, width): (usize, &usize)| {
            let cell = row.get(column).map_or("", String::as_str);
            let blanks = " ".repeat(width.saturating_sub(cell.chars().count()));
            if (self.left)(column) { format!("{cell}{blanks}") } else { format!("{blanks}{cell}") }
        };
        self.widths.iter().enumerate().map(padded).collect()
    }

    /// `row` as a line for a terminal, `gap` between two columns, nothing at its end.
    #[must_use]
    pub fn line(&self, row: &[String], gap: &str) -> String {
        self.cells(row).join(gap).trim_end().to_owned()
    }
}

/// A Markdown table that is legible as plain text too: numbers to the right, pipes escaped. With
/// empty titles it is a list of facts, all to the left.
#[must_use]
pub fn markdown_table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let escape = |row: Vec<String>| row.into_iter().map(|cell| cell.replace('|', "\\|")).collect();
    let head: Vec<String> = head.iter().map(|&title| title.to_owned()).collect();
    let left: Left =
        if head.iter().all(String::is_empty) { |_| true } else { |column| column == 0 };
    let columns = Columns::of(rows.iter().chain([&head]), left);
    let line = |row: Vec<String>| format!("| {} |\n", columns.cells(&row).join(" | "));
    let mut text = line(escape(head));
    text.push('|');
    for (column, width) in columns.widths.iter().enumerate() {
        let end = if left(column) { '-' } else { ':' };
        text.push_str(&format!("{}{end}|", "-".repeat(width + 1)));
    }
    text.push('\n');
    rows.into_iter().for_each(|row| text.push_str(&line(escape(row))));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned_and_pipes_escaped() {
        let rows = vec![vec!["a|b".to_owned(), "1".to_owned()]];
        let table = markdown_table(&["kernel", "p50"], rows);
        assert_eq!(table, "| kernel | p50 |\n|--------|----:|\n| a\\|b   |   1 |\n");
    }
}
