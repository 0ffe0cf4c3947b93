from latelier.cli import main

main()
