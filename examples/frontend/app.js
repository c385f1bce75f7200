"use strict";

// The address is relative: the page works at whatever path the site serves it.
const answer = document.getElementById("answer");

async function ask() {
  const response = await fetch("util/search");
  if (!response.ok) {
    throw new Error(`the app answered ${response.status}`);
  }
  return response.text();
}

ask()
  .then((text) => {
    answer.textContent = text;
    answer.dataset.state = "answered";
  })
  .catch((error) => {
    answer.textContent = `No answer: ${error.message}`;
    answer.dataset.state = "failed";
  });
