"""Verify signed PDFs, offline, and say it in one sentence.

`verdict.verify_pdf` judges one file in this process, `bulk.verify_paths` many in fenced ones; both give
`report.Report`.
"""
