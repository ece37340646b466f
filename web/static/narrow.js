// Only what is looked for goes into the address.
for (const form of document.querySelectorAll("form.narrowing")) {
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) {
      if (value === "") event.formData.delete(name);
    }
  });
}
