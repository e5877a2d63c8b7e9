"""tag-importer: bulk creation of Cloudforce One threat-actor tags from analysts' lists."""

__version__ = "0.1.0"
