//! What is made of a pattern for those who send under it: a form to fill in, a page that explains it, and a kit with
//! which a vendor tests a program. All of it is a function of the pattern and the code lists, byte for byte.

mod archive;
mod facts;
mod form;
mod packed;
mod page;

pub use archive::{Examples, KitError, KitFile, examples, kit, sample_names};
pub use form::{FormError, csv_form, xlsx_form};
pub use packed::{UnpackError, limits, pack, unpack};
pub use page::{PageOf, Place, index_page, page};
