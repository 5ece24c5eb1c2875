use std::error::Error;

fn main() {
    let url = std::env::args().nth(1).expect("a URL");
    match reqwest::blocking::get(url) {
        Ok(response) => println!("status {}", response.status().as_u16()),
        Err(error) => println!("error {error}: {:?}", error.source().map(|source| source.to_string())),
    }
}
